"""The exchange itself, without any input or output: orders in, executions out. Time comes with every command.

Money is counted in whole units of 10^-8, so that balances are exact to the last digit.
"""
