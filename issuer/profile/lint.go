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
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
)

// Linter checks drafts before an authority's key signs them. It holds a key that
// lives as long as the Linter and signs nothing but drafts.
type Linter struct {
	throwAway *ecdsa.PrivateKey
	rules     lint.Registry
}

// notOurs are lints of the chosen sources that contradict a profile on purpose, or
// whose work is done elsewhere.
var notOurs = []string{
	"e_rsa_fermat_factorization", // checkRSA's closePrimes, in a tenth of the time
}

// NewLinter draws the throw-away key and picks the lints: those of RFC 5280, of
// RFC 5480 and zlint's community. The rules of web browsers do not apply to
// persons' certificates.
func NewLinter() (*Linter, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("profile: throw-away key: %w", err)
	}
	rules, err := lint.GlobalRegistry().Filter(lint.FilterOptions{
		IncludeSources: lint.SourceList{lint.RFC5280, lint.RFC5480, lint.Community},
		ExcludeNames:   notOurs,
	})
	if err != nil {
		return nil, fmt.Errorf("profile: lints: %w", err)
	}
	return &Linter{key, rules}, nil
}

// LintError lists the lints that a draft did not pass.
type LintError struct{ Failed []string }

func (e *LintError) Error() string {
	return "profile: the draft does not pass " + strings.Join(e.Failed, ", ")
}

// Check signs tbs with the throw-away key and checks the result by zlint and by
// the profile's own rules. It returns a *LintError when a lint failed.
//
// The signature value is the throw-away P-256 key's whatever algorithm tbs names:
// the draft can then never pass for a certificate, and linting costs a twentieth
// of an RSA signature.
func (l *Linter) Check(o Operator, tbs []byte, c Certificate) error {
	digest := sha256.Sum256(tbs)
	signature, err := ecdsa.SignASN1(rand.Reader, l.throwAway, digest[:])
	if err != nil {
		return fmt.Errorf("profile: sign the draft: %w", err)
	}
	der, err := Assemble(tbs, c.Issuer.Algorithm, signature)
	if err != nil {
		return err
	}
	parsed, err := zx509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("profile: the draft does not parse: %w", err)
	}
	var failed []string
	for name, result := range zlint.LintCertificateEx(parsed, l.rules).Results {
		if result.Status >= lint.Warn {
			failed = append(failed, strings.TrimSpace(name+" "+result.Details))
		}
	}
	if len(failed) > 0 {
		slices.Sort(failed)
		return &LintError{failed}
	}
	return o.Conforms(der, c)
}
