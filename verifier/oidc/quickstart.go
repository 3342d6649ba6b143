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

// quickStarts are those of the page that this client can use, in its order.
func quickStarts(issuer string, c Client) (all []quickStart) {
	if len(c.RedirectURIs) == 0 {
		return nil
	}
	add := func(name, code string) { all = append(all, quickStart{name, fill(code, issuer, c)}) }
	switch {
	case c.Authentication == SecretBasic:
		add("Go", block("go"))
		add("Node", block("js"))
		add("oauth2-proxy", block("sh"))
		add("nginx (1): oauth2-proxy", behindNginx(block("sh")))
		add("nginx (2): nginx.conf", block("nginx"))
	case c.Profile == Basic:
		add("Go, private_key_jwt", block("go private_key_jwt"))
		add("Node, private_key_jwt", block("js private_key_jwt")+nodeServer())
		add("Node: CLIENT_KEY, JWKS", block("js keys"))
	default:
		add("Go, fapi2", block("go fapi2"))
		add("Node, fapi2", block("js private_key_jwt")+block("js fapi2")+pushing(nodeServer()))
		if c.signs() {
			add("Node: sign", block("mjs"))
		}
		add("Node: CLIENT_KEY, JWKS", block("js keys"))
	}
	return all
}

// block is the code of the page that is marked so.
func block(mark string) string {
	_, rest, _ := strings.Cut(docs.RelyingParties, "```"+mark+"\n")
	code, _, _ := strings.Cut(rest, "```")
	return code
}

// nodeServer is the server for Node without its first lines, which say who it is.
func nodeServer() string {
	const begins = "const logins"
	_, server, _ := strings.Cut(block("js"), "\n"+begins)
	return begins + server
}

// pushing makes of that server one that pushes its request, with tokens that are bound to a
// key.
func pushing(server string) string {
	return strings.NewReplacer("= oidc.buildAuthorizationUrl(config, {", "= await oidc.buildAuthorizationUrlWithPAR(config, {",
		"code_challenge_method: 'S256',\n    })", "code_challenge_method: 'S256',\n    }, { DPoP })", "(config, url, login)", "(config, url, login, undefined, { DPoP })",
		"tokens.claims().sub)\n", "tokens.claims().sub, { DPoP })\n").Replace(server)
}

// behindNginx makes of the command for a proxy the one that only tells nginx who is logged
// in.
func behindNginx(command string) string {
	return strings.NewReplacer("--http-address=127.0.0.1:9000 --upstream=$UPSTREAM",
		"--http-address=127.0.0.1:4180 --reverse-proxy=true --set-xauthrequest=true --upstream=static://202").Replace(command)
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
	own := "\nconst ISSUER = " + strconv.Quote(issuer) + ", CLIENT_ID = " + strconv.Quote(c.ID)
	purpose := ""
	if c.signs() {
		purpose = ", PURPOSE = " + strconv.Quote(c.SignPurposes[0].Code)
	}
	pairs := []string{
		`os.Getenv("ISSUER")`, strconv.Quote(issuer), `os.Getenv("CLIENT_ID")`, strconv.Quote(c.ID),
		"const { ISSUER, CLIENT_ID, CLIENT_SECRET } = process.env", "const { CLIENT_SECRET } = process.env" + own,
		"const { ISSUER, CLIENT_ID, CLIENT_KEY } = process.env", "const { CLIENT_KEY } = process.env" + own,
		"const { ISSUER, CLIENT_ID, CLIENT_KEY, PURPOSE } = process.env", "const { CLIENT_KEY } = process.env" + own + purpose,
	}
	if strings.HasPrefix(issuer, "https://") {
		pairs = append(pairs, ", {\n  execute: [oidc.allowInsecureRequests], // a sandbox speaks plain HTTP; nothing else may\n})", ")")
	} else { // its pages have a name of their own, which oauth2-proxy does not find
		pairs = append(pairs, " \\\n  --backend-logout-url=$ISSUER/logout?id_token_hint={id_token}", "")
	}
	pairs = append(pairs, "$ISSUER", issuer, "$CLIENT_ID", c.ID,
		"http://127.0.0.1:9000/callback", to, "http://127.0.0.1:9000/oauth2/callback", to,
		"'/callback'", "'"+strings.ReplaceAll(u.EscapedPath(), "'", "%27")+"'", `"/callback"`, strconv.Quote(u.EscapedPath()))
	if strings.HasPrefix(origin, "http://") { // on loopback: the service itself listens there
		pairs = append(pairs, "127.0.0.1:9000", u.Host)
	} else { // TLS ends in front of it
		pairs = append(pairs, "new URL('http://127.0.0.1:9000')", "new URL('"+origin+"')", "(site.port, site.hostname)", "(9000, '127.0.0.1')",
			"HttpOnly: true,", "HttpOnly: true, Secure: true,", "SameSite=Lax`", "SameSite=Lax; Secure`", " --cookie-secure=false", "",
			"X-Forwarded-Proto $scheme", "X-Forwarded-Proto https")
	}
	return strings.NewReplacer(pairs...).Replace(code)
}
