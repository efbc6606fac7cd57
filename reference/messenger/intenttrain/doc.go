// Command intenttrain makes the model of reference/messenger/intent from the
// questions of BANKING77's training set, and says how good it is on questions of
// that set which a model did not see.
//
// The same questions give the same model: the order is drawn with a fixed seed.
// It never reads the test set; that is for the test alone.
package main
