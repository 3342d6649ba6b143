package ra_test

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/receipt"
	"tegata/issuer/ra"
)

// What the issuer answers about a phone that was given up is the same, signed, of
// the same moment, and red as soon as the phone is registered again.
func TestAReceiptIsSigned(t *testing.T) {
	w, c, p := registered(t)
	stopped, err := w.ra.Stop(t.Context(), p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil))
	if err != nil {
		t.Fatal(err)
	}
	checker := receipt.Checker{Ops: []*x509.Certificate{w.ca.Authority(pki.Ops)}, Arc: pki.SandboxArc(), Issuer: issuerURL}
	ask := func() (ra.RevocationReceipt, receipt.Revocation) {
		t.Helper()
		w.now = w.now.Add(time.Minute)
		answer, err := w.ra.Revocation(t.Context(), stopped.Receipt)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := checker.Check(t.Context(), answer.Signed, w.now)
		if err != nil {
			t.Fatal(err)
		}
		if signed.ID != stopped.Receipt || signed.Tag != answer.Tag || signed.Clear != answer.Clear || signed.FreshAt(w.now) != nil ||
			!signed.Revoked().Equal(answer.RevokedAt.Truncate(time.Second)) {
			t.Errorf("answered %+v, signed %+v", answer, signed)
		}
		return answer, signed
	}
	answer, signed := ask()
	if !signed.Clear || !signed.Of(stopped.Tag) {
		t.Errorf("given up: %+v", signed)
	}
	t.Run("openssl", func(t *testing.T) { checkByOpenSSL(t, answer.Signed, w.ca.Authority(pki.Ops)) })
	next := w.newPhone(4)
	next.element = p.element
	next.enrol(c)
	if _, signed := ask(); signed.Clear {
		t.Errorf("registered again: %+v", signed)
	}
}

// checkByOpenSSL does what docs/receipts.md says.
func checkByOpenSSL(t *testing.T, compact string, ops *x509.Certificate) {
	for _, name := range []string{"bash", "openssl", "od"} {
		pkitest.Tool(t, name)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "receipts.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(text), "```bash\n")
	script, _, ended := strings.Cut(script, "```")
	if !found || !ended {
		t.Fatal("docs/receipts.md has no script")
	}
	dir := t.TempDir()
	run := func(signed string) (string, error) {
		t.Helper()
		for name, data := range map[string][]byte{"receipt.jws": []byte(signed + "\n"), "ops.pem": pki.EncodePEM(ops.Raw)} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-o", "pipefail", "-c", "LC_ALL=C\n"+script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run(compact)
	if err != nil || !strings.Contains(out, "signer.pem: OK") || !strings.Contains(out, "Verified OK") || !strings.Contains(out, `"clear":true`) {
		t.Errorf("%v\n%s", err, out)
	}
	parts := strings.Split(compact, ".")
	changed := []byte(parts[1])
	changed[len(changed)/2] ^= 1
	parts[1] = string(changed)
	if out, err := run(strings.Join(parts, ".")); err == nil {
		t.Errorf("changed, and it passes:\n%s", out)
	}
}
