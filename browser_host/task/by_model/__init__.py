"""What a language model does in the browser, where one is configured."""
