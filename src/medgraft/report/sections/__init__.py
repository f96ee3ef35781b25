"""What the page says of the predictions, one question a file: each is made from arrays, or is left out."""
