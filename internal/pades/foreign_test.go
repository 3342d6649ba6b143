package pades_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/internal/cms"
	"tegata/internal/pades"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// office is a directory in which other people's PDF programs work.
type office struct {
	dir string
	at  time.Time // now: these programs judge certificates by the clock
	ca  *pkitest.Authority
}

func newOffice(t *testing.T) office {
	now := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	return office{t.TempDir(), now, pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 0), now)}
}

func (o office) path(name string) string { return filepath.Join(o.dir, name) }

func (o office) write(t *testing.T, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(o.path(name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return o.path(name)
}

// run runs a program for at most a minute and returns all that it says.
func (o office) run(t *testing.T, wantFailure bool, tool string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), pkitest.Tool(t, tool), args...)
	cmd.WaitDelay = time.Second
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	out, err := cmd.CombinedOutput()
	if err != nil && !wantFailure {
		t.Fatalf("%s %s: %v\n%s", tool, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// nss makes a certificate database that trusts the test authority.
func (o office) nss(t *testing.T) string {
	t.Helper()
	db := o.path("nss")
	if err := os.Mkdir(db, 0o700); err != nil {
		t.Fatal(err)
	}
	o.run(t, false, "certutil", "-N", "-d", "sql:"+db, "--empty-password")
	o.run(t, false, "certutil", "-A", "-d", "sql:"+db, "-n", "root", "-t", "CT,C,C", "-i", o.write(t, "root.der", o.ca.Cert.Raw))
	return db
}

// seal makes a real signature, without signing-time, with the signer's path.
func (o office) seal(t *testing.T, pdf []byte, key crypto.Signer, who string) []byte {
	t.Helper()
	d, err := pades.Prepare(pdf, pades.Options{At: o.at, Name: who, Reason: "承認します"})
	if err != nil {
		t.Fatal(err)
	}
	message, err := cms.SignPAdES(key, o.ca.Issue(t, key.Public(), pkitest.Leaf{CN: who}), d.Content(), o.ca.Cert)
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Embed(message)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (o office) read(t *testing.T, path string) []byte {
	t.Helper()
	pdf, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return pdf
}

// documents returns PDF files as the programs of others write them.
func (o office) documents(t *testing.T) map[string][]byte {
	t.Helper()
	plain := o.write(t, "plain.pdf", classic(contract()))
	page := o.write(t, "page.html", []byte("<meta charset=utf-8><h1>申請書</h1><p>Pay 100 yen"))
	o.run(t, false, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+o.path("profile"),
		"--print-to-pdf="+o.path("chromium.pdf"), "file://"+page)
	o.run(t, false, "pdftocairo", "-pdf", plain, o.path("cairo.pdf"))
	o.run(t, false, "qpdf", "--object-streams=generate", plain, o.path("qpdf.pdf"))
	o.run(t, false, "qpdf", "--linearize", plain, o.path("linear.pdf"))
	o.run(t, false, "qpdf", "--linearize", "--object-streams=generate", plain, o.path("linear-streams.pdf"))
	o.run(t, false, "mutool", "clean", plain, o.path("mutool.pdf"))
	return map[string][]byte{
		"ours with a table": classic(contract()), "ours with streams": modern(contract()),
		"gopdf":    o.read(t, filepath.Join("testdata", "gopdf.pdf")), // v0.33.0, one page of text and a line
		"chromium": o.read(t, o.path("chromium.pdf")), "cairo": o.read(t, o.path("cairo.pdf")),
		"qpdf's object streams": o.read(t, o.path("qpdf.pdf")), "mutool": o.read(t, o.path("mutool.pdf")),
		"linearized": o.read(t, o.path("linear.pdf")), "linearized with object streams": o.read(t, o.path("linear-streams.pdf")),
	}
}

var signedRanges = regexp.MustCompile(`Signed Ranges: \[0 - (\d+)\], \[(\d+) - (\d+)\]`)

// What others write is signed twice, and others find both signatures good.
func TestOthersAcceptOurs(t *testing.T) {
	o := newOffice(t)
	db := o.nss(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, pdf := range o.documents(t) {
		t.Run(name, func(t *testing.T) {
			if err := pades.CheckMeaning(pdf); err != nil {
				t.Errorf("it shows something: %v", err)
			}
			once := o.seal(t, pdf, pkitest.Key(t, 1), "Hanako")
			twice := o.seal(t, once, p384, "Taro")
			file := o.write(t, strings.ReplaceAll(name, " ", "-")+"-signed.pdf", twice)

			said := o.run(t, false, "pdfsig", "-nssdir", db, file)
			for what, want := range map[string]int{
				"Signature Validation: Signature is Valid.":           2,
				"Certificate Validation: Certificate is Trusted.":     2,
				"Signature Type: ETSI.CAdES.detached":                 2,
				"Signer Certificate Common Name: Hanako":              1,
				"Total document signed":                               1,
				"Not total document signed":                           1,
				"Signing Time: " + o.at.Local().Format("Jan 02 2006"): 2, // from M: there is no signing-time
			} {
				if got := strings.Count(said, what); got != want {
					t.Errorf("pdfsig says %q %d times, not %d:\n%s", what, got, want, said)
				}
			}
			if said := o.run(t, true, "mutool", "sign", "-v", file); strings.Count(said, "Verifying signature") != 2 || strings.Contains(said, "Digest error") ||
				!strings.Contains(said, "unchanged since signing") {
				t.Errorf("mutool says %s", said)
			}
			if said := o.run(t, false, "qpdf", "--check", file); !strings.Contains(said, "No syntax or stream encoding errors") || strings.Contains(said, "WARNING") {
				t.Errorf("qpdf says %s", said)
			}

			list := signatures(t, twice)
			ranges := signedRanges.FindAllStringSubmatch(said, -1)
			if len(list) != 2 || len(ranges) != 2 {
				t.Fatalf("%d signatures, pdfsig tells of %d", len(list), len(ranges))
			}
			for i, s := range list {
				if err := s.Intact(); err != nil {
					t.Errorf("signature %d: %v", i+1, err)
				}
				message, err := cms.VerifyPAdES(s.CMS, s.Content) // refuses signing-time
				if err != nil {
					t.Fatalf("signature %d: %v", i+1, err)
				}
				if !message.SigningTime.IsZero() || message.Certificate.Subject.CommonName != []string{"Hanako", "Taro"}[i] {
					t.Errorf("signature %d: %v by %v", i+1, message.SigningTime, message.Certificate.Subject)
				}
			}
			if !bytes.Equal(list[0].Content, append(bytes.Clone(once[:list[0].ByteRange[1]]), once[list[0].ByteRange[2]:]...)) {
				t.Error("the first signature does not cover the file as it was")
			}
			bad := bytes.Replace(twice, []byte("/Rect [0 0 0 0]"), []byte("/Rect [0 0 9 9]"), 1)
			if said := o.run(t, true, "pdfsig", "-nssdir", db, o.write(t, "bad.pdf", bad)); !strings.Contains(said, "Digest Mismatch") {
				t.Errorf("the oracle accepts anything: %s", said)
			}
		})
	}
}

func TestAnEmptyPageOfChromium(t *testing.T) {
	o := newOffice(t)
	o.run(t, false, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+o.path("profile"),
		"--no-pdf-header-footer", "--print-to-pdf="+o.path("blank.pdf"), "about:blank")
	if err := pades.CheckMeaning(o.read(t, o.path("blank.pdf"))); !errors.Is(err, pades.ErrMeaningless) {
		t.Errorf("got %v", err)
	}
}

// pdfcpu is a tool with a list of modules of its own.
func (o office) pdfcpu(t *testing.T, args ...string) string {
	t.Helper()
	o.run(t, false, "go", "version")
	args = append([]string{"tool", "-modfile=" + filepath.Join("..", "..", "tools", "pdfcpu.mod"), "pdfcpu"}, args...)
	return o.run(t, true, "go", append(args, "-o", "-c", o.path("conf"))...)
}

func TestPdfcpuAcceptsOurs(t *testing.T) {
	o := newOffice(t)
	if err := os.Mkdir(o.path("conf"), 0o700); err != nil {
		t.Fatal(err)
	}
	if said := o.pdfcpu(t, "version"); !strings.Contains(said, "v0.15.0") {
		if os.Getenv("TEGATA_TOOLS") == "required" {
			t.Fatalf("pdfcpu could not be built: %s", said)
		}
		t.Skipf("SKIPPED: pdfcpu could not be built: %s", said)
	}
	root := o.write(t, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.ca.Cert.Raw}))
	o.pdfcpu(t, "certificates", "import", root)
	for kind, pdf := range kinds() {
		t.Run(kind, func(t *testing.T) {
			signed := o.seal(t, pdf, pkitest.Key(t, 1), "Hanako")
			file := o.write(t, "signed.pdf", signed)
			if said := o.pdfcpu(t, "validate", file); !strings.Contains(said, "validation ok") {
				t.Errorf("pdfcpu says %s", said)
			}
			// It is offline, so revocation is what it does not know: the only thing.
			said := o.pdfcpu(t, "signatures", "validate", "--all", "--full", file)
			for _, want := range []string{"signer's certificate revocation status is unknown", "ETSI.CAdES.detached", "Local Path: Status: ok", "SignerIdentity: Hanako"} {
				if !strings.Contains(said, want) {
					t.Errorf("pdfcpu does not say %q: %s", want, said)
				}
			}
			bad := bytes.Replace(signed, []byte("/Rect [0 0 0 0]"), []byte("/Rect [0 0 9 9]"), 1)
			if said := o.pdfcpu(t, "signatures", "validate", "--all", "--full", o.write(t, "bad.pdf", bad)); !strings.Contains(said, "document has been modified") {
				t.Errorf("the oracle accepts anything: %s", said)
			}
		})
	}
}

// What makes a signature checkable for long adds at most 40 KB to the file, its
// rooms included, and spoils nothing for others.
func TestLongTerm(t *testing.T) {
	o := newOffice(t)
	db := o.nss(t)
	for kind, pdf := range kinds() {
		t.Run(kind, func(t *testing.T) {
			long := o.seal(t, pdf, pkitest.Key(t, 1), "Hanako")
			// The size of a path of two, of a time-stamp authority's, and of two answers.
			certs := [][]byte{o.ca.Cert.Raw, signatures(t, long)[0].CMS, der(1, 1300), der(2, 1300)}
			long, err := pades.AddDSS(long, pades.Evidence{Certificates: certs, OCSP: [][]byte{der(3, 1900), der(4, 1900)}})
			if err != nil {
				t.Fatal(err)
			}
			d, err := pades.PrepareDocTimeStamp(long, pades.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if long, err = d.Embed(der(5, 4000)); err != nil {
				t.Fatal(err)
			}
			if added := len(long) - len(pdf); added > 40<<10 {
				t.Errorf("%d bytes were added", added)
			}
			list := signatures(t, long)
			if err := list[0].Intact(); err != nil || len(list) != 2 || !list[1].WholeFile || !list[1].DocTimeStamp() {
				t.Errorf("%v; %+v", err, list)
			}
			file := o.write(t, "long.pdf", long)
			if said := o.run(t, false, "qpdf", "--check", file); !strings.Contains(said, "No syntax or stream encoding errors") {
				t.Errorf("qpdf says %s", said)
			}
			if said := o.run(t, true, "pdfsig", "-nssdir", db, file); strings.Count(said, "Signature is Valid.") != 1 || !strings.Contains(said, "Certificate is Trusted.") {
				t.Errorf("pdfsig says %s", said)
			}
		})
	}
}
