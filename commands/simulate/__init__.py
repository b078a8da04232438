"""`./fire simulate`: a simulated fleet of devices."""
