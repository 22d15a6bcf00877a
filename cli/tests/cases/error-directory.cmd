check cli/tests
