"""The documentation, and the code that writes those of its pages that follow from the contract."""
