package cms_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"tegata/internal/pkitest"
)

var update = flag.Bool("update", false, "write testdata anew")

// TestSeeds writes the fuzz target's seeds when asked to.
func TestSeeds(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	key := pkitest.Key(t, 0)
	cert := certify(t, key, 1000)
	content := []byte(`{"applicant_certificate_sha256":"","certificates":["phone-auth","phone-sign"]}`)
	for name, detached := range map[string]bool{"application.der": false, "detached.der": true} {
		if err := os.WriteFile(filepath.Join("testdata", name), sign(t, key, cert, content, detached), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
