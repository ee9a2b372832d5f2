"""Django REST framework's behaviour: order of checks, negotiation, bodies, errors, lists.

Endpoints declare what they are; this package makes them answer as DRF 3.18 does. It knows no endpoint.
"""
