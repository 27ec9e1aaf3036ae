"""`make simulate`: whether the offered analyses keep their error rates in studies in which nothing is associated."""
