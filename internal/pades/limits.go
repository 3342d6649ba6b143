package pades

import "errors"

// What a file can be refused for as a whole.
var (
	ErrMalformed   = errors.New("pades: not a PDF file that can be read in one way only")
	ErrTooLarge    = errors.New("pades: larger or more involved than is read")
	ErrEncrypted   = errors.New("pades: encrypted")
	ErrUnsupported = errors.New("pades: uses a filter that is not read")
)

// Bounds of what is read. A document to be signed has at most 1 MB; files with a
// few signatures of others are larger.
const (
	maxFile     = 16 << 20    // bytes
	maxSections = 200         // cross-reference sections: updates, and two of a linearized file
	maxEntries  = 400_000     // of all cross-reference sections
	maxValues   = 1 << 20     // parsed values of one file, in all
	maxInflated = 64 << 20    // bytes that decompression may make of one file, in all
	maxStream   = 16 << 20    // bytes of one decompressed stream
	maxNesting  = 64          // arrays and dictionaries inside each other, page tree, field tree
	maxScanned  = 4 * maxFile // bytes that are read as objects, in all: objects may lie inside each other
	maxCovered  = 4 * maxFile // bytes of all signatures' Content, in all
	maxPages    = 10_000      // pages that are visited
	maxNumber   = 8_388_607
)

// A budget is what is left for one file; it is shared by all its views.
type budget struct {
	values, inflated, entries, scanned, covered int
}

func newBudget() *budget {
	return &budget{values: maxValues, inflated: maxInflated, entries: maxEntries, scanned: maxScanned, covered: maxCovered}
}

// take spends n of a part of the budget.
func take(left *int, n int) error {
	if n > *left {
		*left = 0
		return ErrTooLarge
	}
	*left -= n
	return nil
}
