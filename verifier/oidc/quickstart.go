package oidc

import (
	"net/url"
	"strconv"
	"strings"

	"tegata/docs"
	"tegata/internal/ceremony"
)

// quickStart is a whole service of docs/relying-parties.md, with a client's own id and
// addresses in it. The secret is never in it.
type quickStart struct{ Name, Code string }

// quickStarts are those of the page, in its order.
func quickStarts(issuer string, c Client) (all []quickStart) {
	if c.Authentication != SecretBasic || len(c.RedirectURIs) == 0 {
		return nil // they authenticate by a secret
	}
	for _, q := range []struct{ name, language string }{{"Go", "go"}, {"Node", "js"}, {"oauth2-proxy", "sh"}} {
		_, rest, _ := strings.Cut(docs.RelyingParties, "```"+q.language+"\n")
		code, _, _ := strings.Cut(rest, "```")
		all = append(all, quickStart{q.name, fill(code, issuer, c)})
	}
	return all
}

// fill puts a client's own into the code of the page. The documents' code reads them
// from the environment.
func fill(code, issuer string, c Client) string {
	to := c.RedirectURIs[0]
	origin, err := ceremony.Origin(to)
	u, bad := url.Parse(to)
	if err != nil || bad != nil {
		return code
	}
	pairs := []string{
		`os.Getenv("ISSUER")`, strconv.Quote(issuer), `os.Getenv("CLIENT_ID")`, strconv.Quote(c.ID),
		"const { ISSUER, CLIENT_ID, CLIENT_SECRET } = process.env", "const { CLIENT_SECRET } = process.env\nconst ISSUER = " + strconv.Quote(issuer) + ", CLIENT_ID = " + strconv.Quote(c.ID),
		"$ISSUER", issuer, "$CLIENT_ID", c.ID,
		"http://127.0.0.1:9000/callback", to, "http://127.0.0.1:9000/oauth2/callback", to,
		"'/callback'", "'" + strings.ReplaceAll(u.EscapedPath(), "'", "%27") + "'", `"/callback"`, strconv.Quote(u.EscapedPath()),
	}
	if strings.HasPrefix(origin, "http://") { // on loopback: the service itself listens there
		pairs = append(pairs, "127.0.0.1:9000", u.Host)
	}
	return strings.NewReplacer(pairs...).Replace(code)
}
