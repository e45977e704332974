"""The page's actions, passed on to the API with the operator's key: the monitor itself changes nothing."""
