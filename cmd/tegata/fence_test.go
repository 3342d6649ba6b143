package main

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"log/slog"
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
		"a second host of a database":      {m{"issuer": m{"database": "postgres://localhost,db.example.jp/issuer"}}, "sslmode=verify-full"},
		"a passfile that is not there":     {m{"issuer": m{"database": "postgres://db.example.jp/issuer?sslmode=verify-full&passfile=/none"}}, "0600"},
		"an address in another spelling":   {m{"issuer": m{"url": "https://CA.example.jp"}}, "is not an origin"},
		"an address with a question":       {m{"issuer": m{"url": "https://ca.example.jp?"}}, "is not an origin"},
		"an address without a name":        {m{"issuer": m{"url": "https://:443"}}, "is not an origin"},
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
		"bank": "example", "carrier": "example", "pay": "no money is behind it", "helpdesk": "production needs one that is certified",
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
	refuses(t, f.dir, "restore it", "serve", "-config", f.config, "issuer")
	if err := os.Rename(db+".away", db); err != nil {
		t.Fatal(err)
	}
}

// What production lost is not made anew: the same authorities with an empty ledger, or
// the same people under other names, would be another country. Each file is taken
// away alone, and both commands name it.
func TestWhatWasLostIsNotMadeAgain(t *testing.T) {
	f := newOperatorFiles(t, t.TempDir(), nil)
	f.makeQuickly(t, "issuer", "verifier", "portal")
	f.trust(t)
	f.certify(t, "verifier", "sign", "verifier", "verifier")
	f.certify(t, "verifier", "decrypt", "verifier", "verifier", "-encryption")
	f.certify(t, "portal", "sign", "portal", "party")
	for _, lost := range []string{"issuer/key", "issuer/issuer.db", "issuer/keys/pairwise.sealed", "issuer/authorities/phone-auth.key", "issuer/authorities/operator.json",
		"verifier/key", "verifier/verifier.db", "verifier/keys/sub.sealed", "verifier/keys/sign.key", "verifier/keys/decrypt.key",
		"portal/key", "portal/portal.db", "portal/keys/sign.key"} {
		t.Run(lost, func(t *testing.T) {
			path := filepath.Join(f.dir, "data", filepath.FromSlash(lost))
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			role, _, _ := strings.Cut(lost, "/")
			for _, command := range []string{"init", "serve"} {
				refuses(t, f.dir, filepath.Base(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(lost, ".sealed"), ".key"), ".db")), command, "-config", f.config, role)
			}
			if err := os.Rename(path+".away", path); err != nil {
				t.Fatal(err)
			}
		})
	}
	if code, text := typed(t, "init", "-config", f.config, "issuer", "verifier", "portal"); code != exitDone {
		t.Errorf("with everything in place again: exit %d: %s", code, text)
	}
}

// A room that init did not finish is finished by the next one, wherever it stopped.
func TestInitGoesOnWhereItStopped(t *testing.T) {
	f := newOperatorFiles(t, t.TempDir(), nil)
	f.makeQuickly(t, "issuer")
	room := filepath.Join(f.dir, "data", "issuer")
	f.write(t, "data/issuer/"+unfinished, "")
	if err := os.Remove(filepath.Join(room, "keys", "pairwise.sealed")); err != nil {
		t.Fatal(err)
	}
	refuses(t, f.dir, "init has not finished", "serve", "-config", f.config, "issuer")
	if code, text := typed(t, "init", "-config", f.config, "issuer"); code != exitDone {
		t.Fatalf("exit %d: %s", code, text)
	}
	if _, err := os.Lstat(filepath.Join(room, unfinished)); err == nil {
		t.Error("the room is still unfinished")
	}
}

// A database whose room was lost is not taken into a new room.
func TestANewRoomTakesNoOldDatabase(t *testing.T) {
	dir := t.TempDir()
	b := build{log: slog.New(slog.DiscardHandler), side: secret.Production, making: true,
		database: func(role string) string { return "sqlite:" + filepath.Join(dir, role+".db") }}
	first, err := b.openRoom(t.Context(), filepath.Join(dir, "a"), "issuer", issuerstore.Schema)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	_, err = b.openRoom(t.Context(), filepath.Join(dir, "b"), "issuer", issuerstore.Schema)
	if _, usage := errors.AsType[*usageError](err); !usage || !strings.Contains(err.Error(), "restore the room that belongs to it") {
		t.Errorf("got %v", err)
	}
}

func TestATLSKeyThatOthersReadAndACertificateOfAnotherHost(t *testing.T) {
	f := newOperatorFiles(t, t.TempDir(), nil)
	f.makeQuickly(t, "issuer")
	if err := os.Chmod(filepath.Join(f.dir, "tls.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	refuses(t, f.dir, "readable by its owner alone", "serve", "-config", f.config, "issuer")
	if err := os.Chmod(filepath.Join(f.dir, "tls.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	delete(productionHosts, "issuer")
	defer func() { productionHosts["issuer"] = "ca.localhost" }()
	f.makeTLS(t)
	refuses(t, f.dir, "ca.localhost", "serve", "-config", f.config, "issuer")
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

// certify has the issuer's operator certify a key of a room.
func (f operatorFiles) certify(t testing.TB, room, label, id, role string, more ...string) {
	t.Helper()
	conf, err := openConfig(f.config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(conf.Data, room, "keys", label)
	args := append([]string{"party", "certify", "-config", f.config, "-id", id, "-role", role, "-origin", conf.url(room),
		"-request", file + ".csr", "-out", file + ".pem"}, more...)
	if code, text := typed(t, args...); code != exitDone {
		t.Fatalf("exit %d: %s", code, text)
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
	base := freePorts(t, 22400)
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
	certify := func(id, role, request string) {
		t.Helper()
		if err := os.Rename(filepath.Join(keys, request+".csr"), filepath.Join(keys, "asked.csr")); err != nil {
			t.Fatal(err)
		}
		f.certify(t, "verifier", "asked", id, role)
		for from, to := range map[string]string{"asked.pem": "sign.pem", "asked.csr": request + ".csr"} {
			if err := os.Rename(filepath.Join(keys, from), filepath.Join(keys, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	refuses(t, f.dir, "sign.pem is not there", "serve", "-config", f.config, "verifier")
	certify("verifier", "verifier", "decrypt")
	refuses(t, f.dir, "not for the key in this room", "serve", "-config", f.config, "verifier")
	certify("somebody", "verifier", "sign")
	refuses(t, f.dir, "urn:tegata:party:verifier as the configuration says", "serve", "-config", f.config, "verifier")
	certify("verifier", "terminal", "sign")
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
