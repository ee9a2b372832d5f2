"""What a FastAPI service answers with as Django REST framework does."""
