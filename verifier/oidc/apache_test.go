package oidc_test

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/pkitest"
	"tegata/verifier/oidc"
)

const apacheModules = "/usr/lib/apache2/modules"

// apacheConfig is a whole site behind mod_auth_openidc as Debian has it.
var apacheConfig = template.Must(template.New("").Parse(`ServerRoot {{.Dir}}
PidFile {{.Dir}}/pid
DefaultRuntimeDir {{.Dir}}
Listen {{.Address}}
ServerName {{.Address}}
User {{.User}}
Group nogroup
LoadModule mpm_event_module {{.Modules}}/mod_mpm_event.so
LoadModule authn_core_module {{.Modules}}/mod_authn_core.so
LoadModule authz_core_module {{.Modules}}/mod_authz_core.so
LoadModule authz_user_module {{.Modules}}/mod_authz_user.so
LoadModule auth_openidc_module {{.Modules}}/mod_auth_openidc.so
ErrorLog {{.Dir}}/error.log
LogFormat "%u %>s %U" who
CustomLog {{.Dir}}/access.log who
DocumentRoot {{.Dir}}/site
OIDCProviderMetadataURL {{.Issuer}}/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret {{.Secret}}
OIDCRedirectURI http://{{.Address}}/cb
OIDCCryptoPassphrase {{.Pass}}
OIDCPKCEMethod S256
OIDCScope "openid name"
OIDCRemoteUserClaim sub
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
`))

// A site that others wrote, behind Apache's module, unmodified: discovery, login, ID
// Token, userinfo.
func TestASiteBehindApache(t *testing.T) {
	apache := pkitest.Tool(t, "apache2")
	if _, err := os.Stat(apacheModules + "/mod_auth_openidc.so"); err != nil {
		if os.Getenv("TEGATA_TOOLS") == "required" {
			t.Fatalf("libapache2-mod-auth-openidc is not installed; `make test` installs it: %v", err)
		}
		t.Skipf("SKIPPED: libapache2-mod-auth-openidc is not installed; `make test` installs it: %v", err)
	}
	each(t, func(t *testing.T, w *world) {
		address := freeAddress(t)
		site := "http://" + address
		secret, sum := oidc.NewSecret()
		w.register(oidc.Client{ID: "apache", Name: ceremony.Text{JA: "町内会", EN: "Neighbours"}, Mark: "町", Profile: oidc.Basic,
			Authentication: oidc.SecretBasic, SecretSHA256: sum, RedirectURIs: []string{site + "/cb"},
			Purpose: ceremony.RegisteredPurpose{Code: "login", Sentence: ceremony.Text{JA: "掲示板を見ます。", EN: "Read the board."}, RiskFloor: ceremony.R1, Claims: []string{"name"}}})
		dir := runApache(t, apache, map[string]string{"Address": address, "Issuer": w.origin, "Secret": secret, "Pass": ceremony.NewID(), "Modules": apacheModules, "User": "nobody"})

		b := w.browser()
		b.c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
			if u := "http://" + r.URL.Host; u != w.origin && u != site || len(via) > 20 {
				return http.ErrUseLastResponse
			}
			return nil
		}
		p := b.get(site + "/board.txt")
		if !strings.HasPrefix(p.at.Path, "/login/") {
			t.Fatalf("at %s (%d): %s\n%s", p.at, p.status, p.text, read(t, dir, "error.log"))
		}
		p = b.post(p.at.Path+"/ask", url.Values{"with": {"this"}})
		redirect, err := w.answer(w.requestIn(p), "hanako")
		if err != nil {
			t.Fatal(err)
		}
		p = b.get(redirect)
		if p.status != 200 || p.text != "清掃は日曜です。" {
			t.Fatalf("at %s (%d): %s\n%s", p.at, p.status, p.text, read(t, dir, "error.log"))
		}
		_, id := w.rp(t.Context()).login(t.Context(), "hanako")
		seen := read(t, dir, "access.log")
		if !strings.Contains(seen, " 200 /board.txt") || strings.Contains(seen, "- 200 /board.txt") || strings.Contains(seen, id.Subject) { // another sector, another sub
			t.Errorf("Apache saw\n%s", seen)
		}
	})
}

func read(t *testing.T, dir, file string) string {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// runApache runs a site until the test ends, and returns its directory.
func runApache(t *testing.T, apache string, values map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tegata-apache") // short, and readable for the user that Apache becomes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	values["Dir"] = dir
	var conf bytes.Buffer
	if err := apacheConfig.Execute(&conf, values); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(dir, 0o755), os.Mkdir(filepath.Join(dir, "site"), 0o755),
		os.WriteFile(filepath.Join(dir, "site", "board.txt"), []byte("清掃は日曜です。"), 0o644),
		os.WriteFile(filepath.Join(dir, "conf"), conf.Bytes(), 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	cmd := exec.Command(apache, "-f", filepath.Join(dir, "conf"), "-DFOREGROUND")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		<-ended
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", values["Address"])
		if err == nil {
			c.Close()
			return dir
		}
		if time.Now().After(end) {
			t.Fatalf("Apache does not answer: %v\n%s", err, said.String())
		}
	}
}
