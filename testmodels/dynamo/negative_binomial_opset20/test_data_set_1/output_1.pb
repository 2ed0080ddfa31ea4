B
likelihoodJ¥5]ÀQËÊÀ;rÀPÀ