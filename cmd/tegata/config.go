package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"tegata/internal/pki"
	"tegata/internal/ui"
	"tegata/issuer/profile"
	"tegata/issuer/ra"
)

// config is what the operator of production roles writes, as one JSON file. A name
// that is not here is an error; what is left out has the safe value. It holds no
// secret: keys rest sealed in data, and a database's password stands in a passfile.
type config struct {
	// Data is the folder of the rooms: one folder a role with its sealing key, its own
	// keys and certificates and, with SQLite, its database. Relative to this file.
	Data string `json:"data"`
	// Organization and Unit stand in the name of every authority; they are fixed when
	// the authorities are made.
	Organization string `json:"organization"`
	Unit         string `json:"unit"`
	// Arc is the object identifier under which the operator names policies and
	// attributes, registered to it. 2.999 is for examples, and refused.
	Arc string `json:"oid_arc"`
	// Trust is a folder with the authorities' certificates, one LABEL.cer each as
	// /ca/LABEL.cer gives them, compared with the fingerprints that init printed. All
	// roles but the issuer need it.
	Trust string `json:"trust"`

	Issuer   *issuerConfig   `json:"issuer"`
	Verifier *verifierConfig `json:"verifier"`
	Portal   *portalConfig   `json:"portal"`
	// Phone is where links to people's phones lead: an https origin.
	Phone *struct {
		URL string `json:"url"`
	} `json:"phone"`

	path string // of the file itself
	arc  pki.Arc
}

// roleConfig is what every role has. A role that runs elsewhere has only its URL.
type roleConfig struct {
	// URL is the https origin by which browsers and the other roles reach it. It
	// stands in certificates.
	URL string `json:"url"`
	// Listen is the address of its own listener, HOST:PORT.
	Listen string `json:"listen"`
	// TLSCertificate and TLSKey are PEM files for the listener. They are read again
	// when the certificate's file changes.
	TLSCertificate string `json:"tls_certificate"`
	TLSKey         string `json:"tls_key"`
	// Database is where its tables are: empty for an SQLite file in its room, or
	// postgres://… without a password (name a passfile, or use a Unix socket).
	Database string `json:"database"`
}

// verifierConfig is the verifier's.
type verifierConfig struct {
	roleConfig
	// OpenID makes the verifier an OpenID Provider at the same origin. Without it there
	// is none.
	OpenID *openIDConfig `json:"openid"`
}

// openIDConfig is the OpenID Provider's.
type openIDConfig struct {
	// Name is what its pages and people's phones call it alike.
	Name ui.Text `json:"name"`
}

// issuerConfig is the issuer's.
type issuerConfig struct {
	roleConfig
	// Publication is where OCSP answers, CRLs and the authorities' certificates are
	// published without TLS.
	Publication publicationConfig `json:"publication"`
	// Algorithms of authorities that do not sign with RSA-2048 and SHA-256, by
	// authority, such as "phone-auth": "ecdsa-p384-sha384". Fixed when they are made.
	Algorithms map[pki.Kind]profile.Algorithm `json:"algorithms"`
	// Phones says which phones are accepted.
	Phones phonesConfig `json:"phones"`
	// Terms are what an applicant agrees to.
	Terms termsConfig `json:"terms"`
	// Mail is the server that takes notices to people. Without it they wait.
	Mail *mailConfig `json:"mail"`
}

// publicationConfig: RFC 5280, section 8: certificates SHOULD NOT point at https for
// their status, or checking one would need another check first. What is published
// here is public and signed, and nothing else answers at this door.
type publicationConfig struct {
	// URL is the http origin that stands in every certificate.
	URL string `json:"url"`
	// Listen is the address of its listener, HOST:PORT.
	Listen string `json:"listen"`
}

type phonesConfig struct {
	// Roots are PEM files of makers' attestation roots.
	Roots []string `json:"roots"`
	// Level is the lowest security level of a key: "trusted-environment" (the default)
	// or "strongbox".
	Level string `json:"level"`
	// Models are the supported ones, as the hardware attests them.
	Models []ra.Model `json:"models"`
}

type termsConfig struct {
	Version string `json:"version"` // for example "2026-11"; a new text has a new one
	JA      string `json:"ja"`      // text files
	EN      string `json:"en"`
}

// portalConfig is the portal's.
type portalConfig struct {
	roleConfig
	// Name is the registered name: what its pages and people's phones call it alike.
	Name ui.Text `json:"name"`
}

// servedRoles are those that production runs, in the order in which they are opened.
var servedRoles = []string{"issuer", "verifier", "portal"}

// refusedRoles says of every other role why it is not served.
var refusedRoles = map[string]string{
	"street":       "the start page holds a sandbox's secrets and controls; production never runs it",
	"cards":        "the rack holds a sandbox's virtual cards; production never runs it",
	"bank":         "the bank is an example of a relying party: its review has no clerk",
	"pay":          "the wallet is an example of a relying party: no money is behind it",
	"carrier":      "the carrier is an example of a relying party: its SIMs are browsers, and its outbox has no mail server",
	"helpdesk":     "a desk's reader is a sandbox's here, without a key pad of its own; production needs one that is certified",
	"phone":        "a virtual phone's element is software, which production accepts from nobody",
	"municipality": "the register's door opens to a sandbox's operator only; until officers have a login of their own, connect a register with a municipality's certificate (`tegata party certify -role municipality`)",
}

// openConfig reads a configuration and finds everything that contradicts itself or
// breaks the fence between sandbox and production.
func openConfig(path string) (*config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("the configuration cannot be read: %v", err)
	}
	c := &config{path: path}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, usagef("%s: %v", path, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, usagef("%s: something follows the configuration", path)
	}
	if c.Data == "" {
		return nil, usagef("%s: data: the folder of the rooms is missing", path)
	}
	c.Data, c.Trust = c.file(c.Data), c.file(c.Trust)
	if err := c.check(); err != nil {
		return nil, usagef("%s: %v", path, err)
	}
	return c, nil
}

// file is a path of the configuration, relative to its own place.
func (c *config) file(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}

func (c *config) check() (err error) {
	if c.arc, err = pki.ParseArc(c.Arc); err != nil {
		return err
	}
	// ITU-T X.660, annex A: 2.999 is for examples. Sandboxes use it.
	if slices.Equal(c.arc[:2], pki.SandboxArc()) {
		return fmt.Errorf("oid_arc: %s is for examples and sandboxes; register an arc of your own", c.Arc)
	}
	if c.Organization == "" || c.Unit == "" {
		return errors.New("organization and unit: both stand in the authorities' names and must be given")
	}
	if c.Issuer != nil && c.Issuer.Publication.URL != "" {
		if err := checkPublication(c.Issuer.Publication.URL); err != nil {
			return err
		}
	}
	openID := c.Verifier != nil && c.Verifier.OpenID != nil
	if openID && (c.Verifier.OpenID.Name.JA == "" || c.Verifier.OpenID.Name.EN == "" || c.url("phone") == "") {
		return errors.New("verifier.openid: a name in both languages is needed, and phone.url, where people answer")
	}
	origins := map[string]string{}
	for _, role := range append(slices.Clone(servedRoles), "phone") {
		u := c.url(role)
		if u == "" {
			continue
		}
		if err := checkOrigin(role+".url", u); err != nil {
			return err
		}
		// Cookies ignore ports, and an origin is what a certificate names: two roles share neither.
		host := hostname(u)
		if other := origins[host]; other != "" && (role == "portal" || role == "phone" || openID && (role == "verifier" || other == "verifier")) {
			return fmt.Errorf("%s.url and %s.url: both are at %s; a role with pages has a host name of its own", role, other, host)
		}
		origins[host] = role
	}
	for _, role := range servedRoles {
		if r := c.role(role); r != nil {
			if err := checkDatabase(role, r.Database); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkOrigin: production speaks TLS alone, also with itself.
func checkOrigin(name, text string) error {
	u, err := parseOrigin(text)
	if err != nil {
		return fmt.Errorf("%s: %w such as https://ca.example.jp", name, err)
	}
	if u.Scheme != "https" {
		return fmt.Errorf("%s: %q is not https; only a sandbox does without TLS", name, text)
	}
	return nil
}

func checkPublication(text string) error {
	u, err := parseOrigin(text)
	if err != nil {
		return fmt.Errorf("issuer.publication.url: %w such as http://status.example.jp", err)
	}
	if u.Scheme != "http" {
		return fmt.Errorf("issuer.publication.url: %q is not http; certificates do not point at TLS for their status (RFC 5280, section 8)", text)
	}
	return nil
}

func parseOrigin(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	// One spelling: an origin is compared as a text, and stands so in certificates.
	if err != nil || u.Hostname() == "" || text != u.Scheme+"://"+strings.ToLower(u.Host) {
		return nil, fmt.Errorf("%q is not an origin", text)
	}
	return u, nil
}

func hostname(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// checkDatabase keeps passwords out of the configuration and people's data off
// lines that anybody can read.
func checkDatabase(role, dsn string) error {
	if dsn == "" {
		return nil
	}
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return fmt.Errorf("%s.database is neither empty (SQLite in the role's room) nor postgres://…", role) // not repeated: it may hold a password
	}
	if _, set := u.User.Password(); set || u.Query().Has("password") {
		return fmt.Errorf("%s.database holds a password; name a passfile (?passfile=/path, mode 0600) or connect by a Unix socket", role)
	}
	parsed, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("%s.database does not read as a PostgreSQL address", role)
	}
	hosts := []string{parsed.Host}
	for _, f := range parsed.Fallbacks { // a further host of the list, or the same without TLS
		hosts = append(hosts, f.Host)
	}
	for _, host := range hosts {
		if !onThisMachine(host) && u.Query().Get("sslmode") != "verify-full" {
			return fmt.Errorf("%s.database is reached over a network (%s); it needs sslmode=verify-full", role, host)
		}
	}
	if file := u.Query().Get("passfile"); file != "" {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o077 != 0 {
			return fmt.Errorf("%s.database: the passfile %s must be there and readable by its owner alone (0600)", role, file)
		}
	}
	return nil
}

// onThisMachine says whether a database's host is a Unix socket or the loopback.
func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback()
}

// role is what the configuration says of a role that can be served; nil: nothing.
func (c *config) role(name string) *roleConfig {
	switch {
	case name == "issuer" && c.Issuer != nil:
		return &c.Issuer.roleConfig
	case name == "verifier" && c.Verifier != nil:
		return &c.Verifier.roleConfig
	case name == "portal" && c.Portal != nil:
		return &c.Portal.roleConfig
	}
	return nil
}

// url is a role's origin, or "".
func (c *config) url(role string) string {
	if role == "phone" && c.Phone != nil {
		return c.Phone.URL
	}
	if r := c.role(role); r != nil {
		return r.URL
	}
	return ""
}

// machine, page and names implement places: in production one origin serves
// programs and browsers.
func (c *config) machine(role string) string { return c.url(role) }
func (c *config) page(role string) string    { return c.url(role) }

func (c *config) names(role string) []string { return namesOf(c.url(role)) }

// namesOf are the values of Host by which an origin is asked for: without the port
// where it is the scheme's own.
func namesOf(origin string) []string {
	u, err := url.Parse(origin)
	if err != nil {
		return nil
	}
	names := []string{u.Host}
	if p := u.Port(); p == "443" && u.Scheme == "https" || p == "80" && u.Scheme == "http" {
		names = append(names, u.Hostname())
	}
	return names
}

// chosen checks the roles of a command line: each can be served here, is named
// once, and finds in the configuration what it needs.
func (c *config) chosen(roles []string) error {
	if len(roles) == 0 {
		return usagef("name the roles: %s", strings.Join(servedRoles, ", "))
	}
	for n, role := range roles {
		if why, refused := refusedRoles[role]; refused {
			return usagef("%s: %s", role, why)
		}
		if !slices.Contains(servedRoles, role) {
			return usagef("there is no role %q; production runs %s", role, strings.Join(servedRoles, ", "))
		}
		if slices.Contains(roles[:n], role) {
			return usagef("%s is named twice", role)
		}
		if err := c.needs(role); err != nil {
			return usagef("%s: %v", c.path, err)
		}
	}
	return nil
}

// needs says what a role lacks to be made or served.
func (c *config) needs(role string) error {
	urls := map[string][]string{"issuer": {"issuer"}, "verifier": {"issuer", "verifier"}, "portal": {"issuer", "verifier", "portal", "phone"}}[role]
	for _, other := range urls {
		if c.url(other) == "" {
			return fmt.Errorf("%s.url: missing, and the role %s needs it", other, role)
		}
	}
	if role != "issuer" && c.Trust == "" {
		return fmt.Errorf("trust: the folder with the authorities' certificates is missing, and the role %s needs it", role)
	}
	if role == "issuer" && c.Issuer.Publication.URL == "" {
		return errors.New("issuer.publication.url: missing; it stands in every certificate")
	}
	if role == "portal" && (c.Portal.Name.JA == "" || c.Portal.Name.EN == "") {
		return errors.New("portal.name: both ja and en are needed: people's phones show it")
	}
	return nil
}
