package ceremony_test

import (
	"testing"

	"tegata/internal/ceremony"
)

// A receipt's number that began with "-" was a flag to `tegata receipt check`: one in 64 was.
func TestAnIDIsNoFlag(t *testing.T) {
	for range 2000 {
		if id := ceremony.NewID(); id[0] == '-' || !ceremony.ValidID(id) {
			t.Fatal(id)
		}
	}
}
