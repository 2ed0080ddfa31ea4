B
likelihoodJ@ÒÀùØ‘À