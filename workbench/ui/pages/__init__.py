"""The pages themselves: home, one per study, and those that set runs beside each other."""
