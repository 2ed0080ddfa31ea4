BlagsJx'7A–Í
A‚ü@=¢AsAqA