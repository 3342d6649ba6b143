package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"tegata/internal/ceremony"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/status"
	"tegata/verifier/gateway"
)

// certifiedRoles are what a production issuer certifies parties for.
var certifiedRoles = []pki.Role{pki.RoleVerifier, pki.RoleParty, pki.RoleTerminal, pki.RoleMunicipality, pki.RoleTSA}

// repeated collects a flag that may be given several times.
type repeated []string

func (o *repeated) String() string     { return strings.Join(*o, " ") }
func (o *repeated) Set(s string) error { *o = append(*o, s); return nil }

// partyCertify is the operations desk of a production issuer: the operator has found
// out who asks, and says so by the flags; of the request only the key counts.
func partyCertify(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the issuer's configuration")
	id := flags.String("id", "", "the party's registered id")
	role := flags.String("role", "", "what it may act as: verifier, party, terminal, municipality or tsa (a time-stamp authority)")
	encryption := flags.Bool("encryption", false, "for a key that answers are encrypted to, not for signatures")
	request := flags.String("request", "", "its PKCS#10 request, PEM")
	out := flags.String("out", "", "where the certificate goes, with its authority's behind it, PEM")
	var where repeated
	flags.Var(&where, "origin", "an https origin at which it answers; may be repeated")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	party := profile.Party{ID: *id, Role: pki.Role(*role), Origins: where, Encryption: *encryption}
	switch {
	case *path == "" || *id == "" || *request == "" || *out == "" || len(where) == 0:
		return usagef("-config, -id, -role, -origin, -request and -out are all needed; see -h")
	case !slices.Contains(certifiedRoles, party.Role):
		return usagef("-role %q: production certifies %v", *role, certifiedRoles)
	}
	for _, o := range where {
		if err := checkOrigin("-origin", o); err != nil {
			return usagef("%v", err)
		}
	}
	key, err := readRequest(*request)
	if err != nil {
		return usagef("-request %s: %v", *request, err)
	}
	p, err := openProduction(c, *path, "issuer")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.openVouching(ctx); err != nil {
		return err
	}
	chain, err := p.certify(ctx, key, party)
	if err != nil {
		return err
	}
	var text []byte
	for _, cert := range chain {
		text = append(text, pki.EncodePEM(cert.Raw)...)
	}
	if err := (durable.Files{}).WriteFile(*out, text, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s\t%s\t%s\n", *id, pki.SerialOf(chain[0]), chain[0].NotAfter.Format("2006-01-02"))
	return nil
}

// openProduction reads a configuration for a command that works on one role's state.
func openProduction(c console, path, role string) (*production, error) {
	conf, err := openConfig(path)
	if err != nil {
		return nil, err
	}
	if err := conf.chosen([]string{role}); err != nil {
		return nil, err
	}
	return newProduction(standardBuild(c, false), conf)
}

// readRequest returns the key of a PKCS#10 request that is signed by it (RFC 2986,
// section 4.2): who asks has the private half.
func readRequest(path string) (any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("not one PEM certificate request")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, err
	}
	return csr.PublicKey, nil
}

// certify issues under the operations authority. The same key for the same party on
// the same day is the same certificate: a command that was cut off is repeated.
func (p *production) certify(ctx context.Context, key any, party profile.Party) ([]*x509.Certificate, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, usagef("the request's key: %v", err)
	}
	now := p.clock.Now()
	draft, err := p.issuer.ca.Prepare(ctx, operator(), ca.Request{
		Ref:  fmt.Sprintf("%s %s %s", party.ID, pki.Fingerprint(spki), now.UTC().Format("2006-01-02")),
		Kind: pki.Ops, PublicKey: key, Party: party, Holder: party.ID, NotAfter: now.AddDate(partyYears, 0, 0),
	})
	if err != nil {
		return nil, err
	}
	leaf, err := p.issuer.ca.Issue(ctx, operator(), draft)
	if errors.Is(err, ca.ErrDraftUsed) {
		return nil, usagef("%s has a certificate for this key of today already", party.ID)
	}
	if err != nil {
		return nil, err
	}
	return []*x509.Certificate{leaf, p.issuer.ca.Authority(pki.Ops)}, nil
}

// partyFile is a party as an operator reads and hands it over. The key comes from
// its certificate, which is named beside it.
type partyFile struct {
	ID         string                       `json:"id"`
	Name       ceremony.Text                `json:"name"`
	Mark       string                       `json:"mark"`
	Purposes   []ceremony.RegisteredPurpose `json:"purposes"`
	Origins    []string                     `json:"origins"`
	ReturnURLs []string                     `json:"return_urls"`
	AsksFor    []string                     `json:"asks_for,omitempty"`
	Sector     string                       `json:"sector,omitempty"`
	Grants     []string                     `json:"grants,omitempty"`
	Terminals  []partyTerminal              `json:"terminals,omitempty"`
}

// handedOver is a party as it is handed over.
func handedOver(p gateway.Party) partyFile {
	return partyFile{ID: p.ID, Name: p.Name, Mark: p.Mark, Purposes: p.Purposes, Origins: p.Origins, ReturnURLs: p.ReturnURLs,
		AsksFor: p.AsksFor, Sector: p.Sector, Grants: p.Grants}
}

// partyRegister registers an asking party with a production verifier, or replaces its
// registration: from then on phones show its name and its purposes.
func partyRegister(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the verifier's configuration")
	in := flags.String("in", "", "the registration, JSON")
	certificate := flags.String("certificate", "", "the party's certificate under the ops authority, PEM")
	var counters repeated
	flags.Var(&counters, "terminal", "the certificate of one of the registration's terminals, PEM; once for each")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if *path == "" || *in == "" || *certificate == "" {
		return usagef("-config, -in and -certificate are needed; see -h")
	}
	r, err := readRegistration(*in)
	if err != nil {
		return usagef("-in %s: %v", *in, err)
	}
	chain, err := readChain(*certificate)
	if err != nil || len(chain) == 0 {
		return usagef("-certificate %s: not a PEM certificate: %v", *certificate, err)
	}
	if id, ok := ceremony.PartyOf(chain[0]); !ok || id != r.ID {
		return usagef("the certificate is %q's and the registration %q's", id, r.ID)
	}
	terminals, err := registeredTerminals(r.Terminals, counters)
	if err != nil {
		return usagef("-terminal: %v", err)
	}
	p, err := openProduction(c, *path, "verifier")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.open(ctx, "verifier"); err != nil {
		return err
	}
	err = p.verifier.gateway.Register(ctx, operator(), gateway.Party{
		ID: r.ID, Name: r.Name, Mark: r.Mark, Purposes: r.Purposes, Origins: r.Origins, ReturnURLs: r.ReturnURLs, AsksFor: r.AsksFor,
		Sector: r.Sector, Grants: r.Grants, Keys: []string{ceremony.KeyID(chain[0])}, Terminals: terminals,
	})
	if err != nil {
		return usagef("%v", err)
	}
	fmt.Fprintf(c.out, "%s\tregistered\n", r.ID)
	return nil
}

// partyEnd ends a party's registration with a production verifier.
func partyEnd(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the verifier's configuration")
	id := flags.String("id", "", "the party's registered id")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if *path == "" || *id == "" {
		return usagef("-config and -id are needed; see -h")
	}
	p, err := openProduction(c, *path, "verifier")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.open(ctx, "verifier"); err != nil {
		return err
	}
	if err := p.verifier.gateway.End(ctx, operator(), *id); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s\tended\n", *id)
	return nil
}

// partyReasons are why an operator revokes a party's certificate (RFC 5280, section
// 5.3.1).
var partyReasons = map[string]int{"keyCompromise": status.KeyCompromise, "superseded": status.Superseded,
	"cessationOfOperation": status.CessationOfOperation, "privilegeWithdrawn": status.PrivilegeWithdrawn}

// partyRevoke revokes a certificate of the operations authority: persons' ends follow
// the rules of their life cycle, parties' the operator's word.
func partyRevoke(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the issuer's configuration")
	serial := flags.String("serial", "", "the certificate's serial number, hexadecimal, as party certify printed it")
	reason := flags.String("reason", "", "keyCompromise, superseded, cessationOfOperation or privilegeWithdrawn")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	why, known := partyReasons[*reason]
	if *path == "" || *serial == "" || !known {
		return usagef("-config, -serial and -reason (keyCompromise, superseded, cessationOfOperation, privilegeWithdrawn) are needed; see -h")
	}
	number, err := pki.ParseSerial(*serial)
	if err != nil {
		return usagef("-serial: %v", err)
	}
	p, err := openProduction(c, *path, "issuer")
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.openVouching(ctx); err != nil {
		return err
	}
	change := status.Change{Kind: pki.Ops, Serial: number, Op: status.Revoke, Reason: why, At: p.clock.Now()}
	if err := p.issuer.status.Ledger.Apply(ctx, operator(), change); errors.Is(err, status.ErrUnknown) {
		return usagef("the operations authority never issued a certificate with the serial number %s", number)
	} else if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s\trevoked\t%s\n", number, *reason)
	return nil
}

func readRegistration(path string) (partyFile, error) {
	var r partyFile
	text, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, err
	}
	for _, o := range append(slices.Clone(r.Origins), r.ReturnURLs...) {
		if !strings.HasPrefix(o, "https://") {
			return r, fmt.Errorf("%q is not https", o)
		}
	}
	return r, nil
}
