"""Templates: composite nodes with params, which become plain nodes where they are used."""
