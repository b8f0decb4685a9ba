"""Generic networks: statements for all weights of a shape, from compiling unknowns to the checked certificate."""
