package bank

import (
	"io/fs"
	"testing"

	"tegata/internal/ui/uitest"
)

func TestEveryStringIsThereInBothLanguagesAndNoneIsLeftOver(t *testing.T) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, html, ".")
}
