"""One module a picture: pure functions from records to Rich renderables. Nothing here measures."""
