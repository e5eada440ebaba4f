"""Between the protos and this program, both ways: what more than one caller converts. A file for each noun."""
