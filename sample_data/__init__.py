"""Made-up rows of the example, which either stack can load: `seed`. It knows neither of them."""
