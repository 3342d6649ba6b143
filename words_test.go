package tegata_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A person who goes from one screen to the next must not wonder whether two words
// are two things.
func TestScreensCallOneThingByOneWord(t *testing.T) {
	words := []struct{ not, say string }{
		{"IDカード", "マイナンバーカード"}, {"個人番号カード", "マイナンバーカード"},
		{"桁", "けた"},
		{"5分ほど", "3分ほど"}, {"five minutes", "about three minutes"}, // how long a registration takes
	}
	said := func(path string) bool {
		switch name := filepath.Base(path); {
		case name == "ja.json", name == "en.json":
			return true
		case strings.HasSuffix(name, "_test.go"):
			return false
		default:
			return strings.HasSuffix(name, "problems.go")
		}
	}
	read := 0
	for _, root := range []string{"holder", "issuer", "verifier", "services", "internal"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				if d != nil && d.Name() == "node_modules" {
					return fs.SkipDir
				}
				return err
			}
			if !said(path) {
				return nil
			}
			read++
			text, err := os.ReadFile(path)
			for _, w := range words {
				if strings.Contains(string(text), w.not) {
					t.Errorf("%s says %q; everywhere else it is %q", path, w.not, w.say)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 10 {
		t.Errorf("only %d files of sentences were read", read)
	}
}
