// Command accuracy measures forecasts of ETTh1 by the protocol that published
// tables follow: rows 0 to 8639 train, 8640 to 11519 validate, 11520 to 14399
// test; columns scaled by the mean and standard deviation of the training rows;
// MSE and MAE of scaled values over all test windows, steps and columns.
//
//	accuracy -data ETTh1.csv [-recipes NAMES] [-horizons LIST] [-seeds LIST] [-threads N]
//	         [-results FILE.json] [-kept] [-readme README.md]
//
// It prints the naive forecasts first, which show that the protocol is the one
// of the tables, and then trains the recipes: files of the folder recipes, or
// others by their paths. The validation rows alone decide when a training ends
// and which of its parameters are kept. The results go to a JSON file as soon
// as each is known; what is there already is not measured again. With -readme
// the tables are written between the file's markers.
package main
