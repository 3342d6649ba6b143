package main

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
	"tegata/store"
	issuerstore "tegata/store/issuer"
)

// typed runs a command and returns its exit code and what it printed.
func typed(t testing.TB, args ...string) (int, string) {
	t.Helper()
	var out, errs lines
	code := run(t.Context(), args, console{strings.NewReader(""), &out, &errs, func(string) string { return "" }})
	return code, out.String() + errs.String()
}

// refuses demands wrong usage with a sentence, and that nothing appears below dir.
func refuses(t *testing.T, dir, want string, args ...string) {
	t.Helper()
	before := tree(t, dir)
	code, text := typed(t, args...)
	if code != exitUsage || !strings.Contains(text, want) {
		t.Errorf("tegata %s: exit %d, want %d and %q:\n%s", strings.Join(args, " "), code, exitUsage, want, text)
	}
	if after := tree(t, dir); !slices.Equal(before, after) {
		t.Errorf("tegata %s: files before %v, after %v", strings.Join(args, " "), before, after)
	}
}

// tree lists the files below dir, without what SQLite keeps beside an open database.
func tree(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err == nil && !strings.HasSuffix(path, "-wal") && !strings.HasSuffix(path, "-shm") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// merge puts changes into a configuration: a map goes into a map, nil takes a name
// away.
func merge(into, changes map[string]any) {
	for name, v := range changes {
		inner, ok := v.(map[string]any)
		was, also := into[name].(map[string]any)
		switch {
		case ok && also:
			merge(was, inner)
		case v == nil:
			delete(into, name)
		default:
			into[name] = v
		}
	}
}

func TestAConfigurationThatContradictsItselfIsRefused(t *testing.T) {
	type m = map[string]any
	f := newOperatorFiles(t, t.TempDir(), nil)
	for name, c := range map[string]struct {
		change m
		want   string
	}{
		"plain HTTP":                       {m{"issuer": m{"url": "http://ca.example.jp"}}, "is not https"},
		"TLS for status":                   {m{"issuer": m{"publication": m{"url": "https://ca.example.jp"}}}, "RFC 5280, section 8"},
		"no place for status":              {m{"issuer": m{"publication": nil}}, "publication.url"},
		"an address with a path":           {m{"issuer": m{"url": "https://ca.example.jp/ca"}}, "is not an origin"},
		"the arc for examples":             {m{"oid_arc": "2.999.7"}, "is for examples"},
		"no arc":                           {m{"oid_arc": nil}, "oid_arc"},
		"no organization":                  {m{"organization": nil}, "organization"},
		"a name that is none":              {m{"issuer": m{"sandbox": true}}, "unknown field"},
		"no data":                          {m{"data": nil}, "data"},
		"a password in the configuration":  {m{"issuer": m{"database": "postgres://issuer:hunter2@db.example.jp/issuer?sslmode=verify-full"}}, "holds a password"},
		"a password in the query":          {m{"issuer": m{"database": "postgres://db.example.jp/issuer?sslmode=verify-full&password=hunter2"}}, "holds a password"},
		"a database over an open line":     {m{"issuer": m{"database": "postgres://issuer@db.example.jp/issuer"}}, "sslmode=verify-full"},
		"a database that is none":          {m{"issuer": m{"database": "mysql://db"}}, "postgres://"},
		"pages that share a host":          {m{"phone": m{"url": "https://portal.localhost:9"}}, "a host name of its own"},
		"no makers":                        {m{"issuer": m{"phones": m{"roots": []string{}}}}, "every phone is refused"},
		"a level that is none":             {m{"issuer": m{"phones": m{"level": "software"}}}, "strongbox"},
		"an algorithm that is none":        {m{"issuer": m{"algorithms": m{"ops": "rsa-1024"}}}, "rsa-1024"},
		"terms that are not there":         {m{"issuer": m{"terms": m{"ja": "none.txt"}}}, "terms.ja"},
		"terms without a version":          {m{"issuer": m{"terms": m{"version": ""}}}, "terms.version"},
		"a maker's root that is not there": {m{"issuer": m{"phones": m{"roots": []string{"none.pem"}}}}, "none.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := f.configuration(t)
			merge(conf, c.change)
			f.writeJSON(t, "spoiled.json", conf)
			path := filepath.Join(f.dir, "spoiled.json")
			for _, command := range []string{"init", "serve"} {
				refuses(t, f.dir, c.want, command, "-config", path, "issuer")
			}
			if _, text := typed(t, "serve", "-config", path, "issuer"); strings.Contains(text, "hunter2") {
				t.Errorf("the password is printed: %s", text)
			}
		})
	}
}

func TestRolesThatProductionDoesNotRun(t *testing.T) {
	f := newOperatorFiles(t, t.TempDir(), nil)
	for role, want := range map[string]string{
		"street": "production never runs it", "cards": "production never runs it", "phone": "software", "municipality": "until officers have a login",
		"helpdesk": "there is no role",
	} {
		for _, command := range []string{"init", "serve"} {
			refuses(t, f.dir, want, command, "-config", f.config, role)
		}
	}
	refuses(t, f.dir, "name the roles", "serve", "-config", f.config)
	refuses(t, f.dir, "named twice", "serve", "-config", f.config, "issuer", "issuer")
	refuses(t, f.dir, "-config FILE is missing", "serve", "issuer")
	refuses(t, f.dir, "give one of them", "init", "-config", f.config, "-data", f.dir, "issuer")
	refuses(t, f.dir, "for production only", "init", "-data", filepath.Join(f.dir, "new"), "issuer")
	refuses(t, f.dir, "cannot be read", "serve", "-config", filepath.Join(f.dir, "none.json"), "issuer")
}

func TestServingMakesNothing(t *testing.T) {
	f := newOperatorFiles(t, t.TempDir(), nil)
	refuses(t, f.dir, "tegata init -config", "serve", "-config", f.config, "issuer")
	f.makeQuickly(t, "issuer")
	db := filepath.Join(f.dir, "data", "issuer", "issuer.db")
	if err := os.Rename(db, db+".away"); err != nil {
		t.Fatal(err)
	}
	refuses(t, f.dir, "put it back", "serve", "-config", f.config, "issuer")
	if err := os.Rename(db+".away", db); err != nil {
		t.Fatal(err)
	}
	pairwise := filepath.Join(f.dir, "data", "issuer", "keys", "pairwise.sealed")
	if err := os.Remove(pairwise); err != nil {
		t.Fatal(err)
	}
	before := tree(t, f.dir)
	if code, _ := typed(t, "serve", "-config", f.config, "issuer"); code == exitDone || !slices.Equal(before, tree(t, f.dir)) {
		t.Errorf("without its pairwise key: exit %d; everybody would get another name", code)
	}
}

// makeQuickly runs init with authorities on P-384, whose keys take no time.
func (f operatorFiles) makeQuickly(t testing.TB, roles ...string) {
	t.Helper()
	text, err := os.ReadFile(f.config)
	if err != nil {
		t.Fatal(err)
	}
	var conf map[string]any
	if err := json.Unmarshal(text, &conf); err != nil {
		t.Fatal(err)
	}
	algorithms := map[string]any{}
	for _, k := range pki.Kinds() {
		algorithms[string(k)] = "ecdsa-p384-sha384"
	}
	merge(conf, map[string]any{"issuer": map[string]any{"algorithms": algorithms}})
	f.writeJSON(t, "tegata.json", conf)
	if code, text := typed(t, append([]string{"init", "-config", f.config}, roles...)...); code != exitDone {
		t.Fatalf("exit %d: %s", code, text)
	}
}

func TestASandboxsStateIsNotServed(t *testing.T) {
	sandboxRoot := selfSigned(t, []pkix.Extension{pki.SandboxMark()})
	for name, c := range map[string]struct {
		spoil func(t *testing.T, f operatorFiles)
		want  string
	}{
		"a sandbox's directory": {func(t *testing.T, f operatorFiles) { f.write(t, "data/tegata.json", `{"sandbox":true}`) }, "is a sandbox's mark"},
		"secrets made by init":  {func(t *testing.T, f operatorFiles) { f.write(t, "data/sandbox-secrets.json", `{}`) }, "secrets that init made up"},
		"a clock offset":        {func(t *testing.T, f operatorFiles) { f.write(t, "data/clock.json", `{"offset_ns":1}`) }, "moves the clock"},
		"an operator's token":   {func(t *testing.T, f operatorFiles) { f.write(t, "data/operator.token", "x") }, "opens a sandbox's doors"},
		"a sandbox's key file": {func(t *testing.T, f operatorFiles) {
			key := filepath.Join(f.dir, "data", "issuer", "key")
			if err := os.Remove(key); err != nil {
				t.Fatal(err)
			}
			if err := secret.CreateKeyFile(durable.Files{}, key, secret.Sandbox); err != nil {
				t.Fatal(err)
			}
		}, "never mix"},
		"a sandbox's database": {func(t *testing.T, f operatorFiles) { f.replaceDatabase(t, new(true)) }, "not marked as production's"},
		"an unmarked database": {func(t *testing.T, f operatorFiles) { f.replaceDatabase(t, nil) }, "not marked as production's"},
		"the sandbox's maker":  {func(t *testing.T, f operatorFiles) { f.write(t, "maker.pem", string(pki.EncodePEM(sandboxRoot))) }, "a sandbox's trust anchor"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newOperatorFiles(t, t.TempDir(), nil)
			f.makeQuickly(t, "issuer")
			c.spoil(t, f)
			refuses(t, f.dir, c.want, "serve", "-config", f.config, "issuer")
		})
	}
	t.Run("a sandbox's authority as trust anchor", func(t *testing.T) {
		f := newOperatorFiles(t, t.TempDir(), nil)
		f.makeQuickly(t, "issuer", "verifier")
		f.trust(t)
		f.write(t, "trust/phone-auth.cer", string(sandboxRoot))
		refuses(t, f.dir, "a sandbox's trust anchor", "serve", "-config", f.config, "verifier")
	})
}

// replaceDatabase puts a database with another mark, or none, in the issuer's place.
func (f operatorFiles) replaceDatabase(t testing.TB, sandbox *bool) {
	t.Helper()
	path := filepath.Join(f.dir, "data", "issuer", "issuer.db")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	db, err := store.Create(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Migrate(t.Context(), issuerstore.Schema); err != nil {
		t.Fatal(err)
	}
	if sandbox != nil {
		if err := db.Mark(t.Context(), *sandbox); err != nil {
			t.Fatal(err)
		}
	}
}

// trust installs the made issuer's authorities.
func (f operatorFiles) trust(t testing.TB) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(f.dir, "trust"), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := openProduction(console{err: t.Output()}, f.config, "issuer")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.openVouching(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, a := range p.issuer.ca.Issuers() {
		f.write(t, "trust/"+a.Label()+".cer", string(a.Certificate.Raw))
	}
}

func selfSigned(t testing.TB, extensions []pkix.Extension) []byte {
	t.Helper()
	key := pkitest.ECKey(t)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Somebody"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, ExtraExtensions: extensions}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// What production made is refused by `up`, wherever it is put.
func TestProductionsStateIsNotASandbox(t *testing.T) {
	f := newOperatorFiles(t, t.TempDir(), nil)
	f.makeQuickly(t, "issuer")
	refuses(t, f.dir, "holds something that is no sandbox", "up", "-data", filepath.Join(f.dir, "data"))
	base, err := freeBase()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := createSettings(filepath.Join(f.dir, "data"), base); err != nil { // somebody forges the mark of the directory
		t.Fatal(err)
	}
	code, text := typed(t, "up", "-data", filepath.Join(f.dir, "data"))
	if code != exitUsage || !strings.Contains(text, "never mix") {
		t.Errorf("exit %d: %s", code, text)
	}
}

func TestCertificatesThatAreNotThePartysOwn(t *testing.T) {
	f := newOperatorFiles(t, t.TempDir(), nil)
	f.makeQuickly(t, "issuer", "verifier")
	f.trust(t)
	keys := filepath.Join(f.dir, "data", "verifier", "keys")
	conf, err := openConfig(f.config)
	if err != nil {
		t.Fatal(err)
	}
	url := conf.url("verifier")
	certify := func(id, role, origin, request, out string) {
		t.Helper()
		if code, text := typed(t, "party", "certify", "-config", f.config, "-id", id, "-role", role, "-origin", origin,
			"-request", filepath.Join(keys, request), "-out", filepath.Join(keys, out)); code != exitDone {
			t.Fatalf("exit %d: %s", code, text)
		}
	}
	refuses(t, f.dir, "sign.pem is not there", "serve", "-config", f.config, "verifier")
	certify("verifier", "verifier", url, "decrypt.csr", "sign.pem")
	refuses(t, f.dir, "not for the key in this room", "serve", "-config", f.config, "verifier")
	certify("somebody", "verifier", url, "sign.csr", "sign.pem")
	refuses(t, f.dir, "urn:tegata:party:verifier as the configuration says", "serve", "-config", f.config, "verifier")
	certify("verifier", "terminal", url, "sign.csr", "sign.pem")
	refuses(t, f.dir, "certify sign.csr again", "serve", "-config", f.config, "verifier")
	if err := os.WriteFile(filepath.Join(keys, "sign.pem"), pki.EncodePEM(selfSigned(t, nil)), 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, f.dir, "not for the key in this room", "serve", "-config", f.config, "verifier")

	out := filepath.Join(f.dir, "x.pem")
	request := filepath.Join(keys, "sign.csr")
	ask := func(change map[string]string) []string {
		with := map[string]string{"-config": f.config, "-id": "x", "-role": "party", "-origin": "https://x.example.jp", "-request": request, "-out": out}
		maps.Copy(with, change)
		args := []string{"party", "certify"}
		for name, value := range with {
			args = append(args, name, value)
		}
		return args
	}
	refuses(t, f.dir, "production certifies", ask(map[string]string{"-role": "street"})...)
	refuses(t, f.dir, "production certifies", ask(map[string]string{"-role": "feed"})...)
	refuses(t, f.dir, "is not https", ask(map[string]string{"-origin": "http://x.example.jp"})...)
	refuses(t, f.dir, "not one PEM certificate request", ask(map[string]string{"-request": filepath.Join(f.dir, "tls.pem")})...)
	refuses(t, f.dir, "all needed", ask(map[string]string{"-out": ""})...)
	spoiled, err := os.ReadFile(request)
	if err != nil {
		t.Fatal(err)
	}
	spoiled[len(spoiled)/2] ^= 1
	f.write(t, "spoiled.csr", string(spoiled))
	refuses(t, f.dir, "-request", ask(map[string]string{"-request": filepath.Join(f.dir, "spoiled.csr")})...)
}

// The configuration that docs/operations.md shows is one.
func TestTheDocumentedConfigurationHolds(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(sourceRoot, "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```json\n")
	block, _, _ = strings.Cut(block, "```")
	path := filepath.Join(t.TempDir(), "tegata.json")
	if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
		t.Fatal(err)
	}
	conf, err := openConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := conf.chosen(servedRoles); err != nil {
		t.Error(err)
	}
}
