"""Charts for models: a server of the Model Context Protocol over the asynchronous client."""
