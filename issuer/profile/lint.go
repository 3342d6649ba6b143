package profile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	zx509 "github.com/zmap/zcrypto/x509"
	_ "github.com/zmap/zlint/v3" // registers the lints
	"github.com/zmap/zlint/v3/lint"
)

// Linter checks drafts before an authority's key signs them.
type Linter struct {
	signature []byte // stands under every draft and verifies none
	lints     []*lint.CertificateLint
	config    lint.Configuration
}

// notOurs are lints of the chosen sources that contradict a profile on purpose, or
// whose work is done elsewhere.
var notOurs = []string{
	"e_rsa_fermat_factorization", // checkRSA's closePrimes, in a tenth of the time
}

// NewLinter makes the drafts' signature and picks the lints: those of RFC 5280, of
// RFC 5480 and zlint's community. The rules of web browsers do not apply to
// persons' certificates.
func NewLinter() (*Linter, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("profile: throw-away key: %w", err)
	}
	digest := sha256.Sum256([]byte("a draft of a certificate"))
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:]) // and the key is gone
	if err != nil {
		return nil, fmt.Errorf("profile: sign drafts: %w", err)
	}
	rules, err := lint.GlobalRegistry().Filter(lint.FilterOptions{
		IncludeSources: lint.SourceList{lint.RFC5280, lint.RFC5480, lint.Community},
		ExcludeNames:   notOurs,
	})
	if err != nil {
		return nil, fmt.Errorf("profile: lints: %w", err)
	}
	return &Linter{signature, rules.CertificateLints().Lints(), rules.GetConfiguration()}, nil
}

// LintError lists the lints that a draft did not pass.
type LintError struct{ Failed []string }

func (e *LintError) Error() string {
	return "profile: the draft does not pass " + strings.Join(e.Failed, ", ")
}

// Check puts a signature that verifies nothing under tbs and checks the result by
// zlint and by the profile's own rules. It returns a *LintError when a lint failed.
//
// The signature value is a throw-away P-256 key's whatever algorithm tbs names: the
// draft can then never pass for a certificate.
func (l *Linter) Check(o Operator, tbs []byte, c Certificate) error {
	der, err := Assemble(tbs, c.Issuer.Algorithm, l.signature)
	if err != nil {
		return err
	}
	if err := l.lint(der); err != nil {
		return err
	}
	return o.Conforms(der, c)
}

// lint runs every lint: what zlint.LintCertificateEx does, without sorting the names
// of all lints and making a map of those that had nothing to say.
func (l *Linter) lint(der []byte) error {
	parsed, err := zx509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("profile: the draft does not parse: %w", err)
	}
	var failed []string
	for _, check := range l.lints {
		if result := check.Execute(parsed, l.config); result.Status >= lint.Warn { // a lint that panicked is Fatal
			failed = append(failed, strings.TrimSpace(check.Name+" "+result.Details))
		}
	}
	if len(failed) > 0 {
		slices.Sort(failed)
		return &LintError{failed}
	}
	return nil
}
