"""What the district decides, as pure functions: values in, values out."""
