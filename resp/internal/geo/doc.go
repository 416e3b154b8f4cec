// Package geo is places on earth as sorted sets hold them: the cells of a grid, their scores,
// distances and the shapes that are searched.
//
//	cell.go    places, cells and scores
//	shape.go   circles and boxes, and the cells that cover them
//	trig.go    sines that are rounded once
package geo
