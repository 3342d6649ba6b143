package oidc

import (
	"io/fs"
	"testing"

	"tegata/internal/ui/uitest"
)

func TestEveryWordIsThereInBothLanguages(t *testing.T) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, html, ".")
}
