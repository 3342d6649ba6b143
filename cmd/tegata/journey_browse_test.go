package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tegata/internal/httpd"
	"tegata/store"
)

// visitor is one browser of a script: cookies of its own and the page it is on.
type visitor struct {
	client *http.Client
	at     *url.URL
	page   string // as it came
}

func newVisitor() (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := httpd.Client(20 * time.Second) // knows *.localhost, as browsers do
	client.Jar, client.CheckRedirect = jar, nil
	return &visitor{client: client}, nil
}

// browse is a small browser without script. WHO is a browser profile; a page is
// printed as its text, after a line with the status and the address.
//
//	browse WHO get URL [Header:=value]…
//	browse WHO post URL [field=value]… [Header:=value]…    with the hidden fields of such a form on the page it is on
//	browse WHO await REGEXP URL    reloads for at most 10 seconds, until the page says so
//	browse WHO link NAME PART-OF-ADDRESS    keeps a link of the page
func browse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: browse WHO get|post|await|link …")
	}
	j := stateOf(ts)
	v := j.browsers[args[0]]
	if v == nil {
		var err error
		v, err = newVisitor()
		ts.Check(err)
		j.browsers[args[0]] = v
	}
	switch args[1] {
	case "get", "post":
		form, header := url.Values{}, http.Header{}
		for _, arg := range args[3:] {
			name, value, ok := strings.Cut(arg, "=")
			if !ok {
				ts.Fatalf("%q is not field=value", arg)
			}
			if h, ok := strings.CutSuffix(name, ":"); ok {
				header.Set(h, value)
				continue
			}
			if file, ok := strings.CutPrefix(value, "@"); ok { // the field of that name in a file of secrets
				var kept map[string]string
				ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &kept))
				value = kept[name]
			}
			form.Add(name, value)
		}
		if args[1] == "get" {
			form = nil
		} else {
			v.fill(form, args[2])
		}
		ts.Check(v.open(ts.Stdout(), strings.ToUpper(args[1]), args[2], form, header))
	case "await":
		if len(args) != 4 {
			ts.Fatalf("usage: browse WHO await REGEXP URL")
		}
		want, err := regexp.Compile("(?ms)" + args[2])
		ts.Check(err)
		var page strings.Builder
		for end := time.Now().Add(10 * time.Second); !want.MatchString(page.String()); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				ts.Fatalf("%s never said %q, but:\n%s", args[3], args[2], page.String())
			}
			page.Reset()
			ts.Check(v.open(&page, http.MethodGet, args[3], nil, nil))
		}
		fmt.Fprint(ts.Stdout(), page.String())
	case "link":
		if len(args) != 4 {
			ts.Fatalf("usage: browse WHO link NAME PART-OF-ADDRESS")
		}
		link, err := v.link(args[3])
		ts.Check(err)
		ts.Setenv(args[2], link)
	default:
		ts.Fatalf("a browser does not %s", args[1])
	}
}

// fill adds the hidden fields of the page's form for an address to what was typed.
func (v *visitor) fill(typed url.Values, address string) {
	for _, form := range forms.FindAllStringSubmatch(v.page, -1) {
		to, err := v.at.Parse(html.UnescapeString(form[1]))
		if err != nil || to.String() != address {
			continue
		}
		for _, field := range hidden.FindAllStringSubmatch(form[2], -1) {
			if !typed.Has(field[1]) {
				typed.Set(field[1], html.UnescapeString(field[2]))
			}
		}
	}
}

// open asks for a page as a browser does: a form says which origin it is on.
func (v *visitor) open(out io.Writer, method, address string, form url.Values, header http.Header) error {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, address, body)
	if err != nil {
		return err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	answer, err := v.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	v.at, v.page = answer.Request.URL, string(text)
	fmt.Fprintf(out, "%d %s\n", answer.StatusCode, answer.Request.URL)
	for _, name := range []string{"Content-Security-Policy", "X-Frame-Options"} {
		if value := answer.Header.Get(name); value != "" {
			fmt.Fprintf(out, "%s: %s\n", name, value)
		}
	}
	fmt.Fprintln(out, textOf(v.page))
	return nil
}

var (
	unseen = regexp.MustCompile(`(?s)<(script|style|svg|head)\b.*?</(?:script|style|svg|head)>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
	forms  = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)"[^>]*>(.*?)</form>`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	blanks = regexp.MustCompile(`\s*\n\s*`)
	hrefs  = regexp.MustCompile(`(?:href|content)="([^"]*)"`)
)

// textOf is what a page says, a line an element.
func textOf(page string) string {
	text := tags.ReplaceAllString(unseen.ReplaceAllString(page, ""), "\n")
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(text), "\n"))
}

// link finds a link of the page by a part of its address.
func (v *visitor) link(part string) (string, error) {
	for _, m := range hrefs.FindAllStringSubmatch(v.page, -1) {
		if to := html.UnescapeString(m[1]); strings.Contains(to, part) {
			u, err := v.at.Parse(to)
			if err != nil {
				return "", err
			}
			return u.String(), nil
		}
	}
	return "", fmt.Errorf("the page at %s has no link with %q", v.at, part)
}

// group is what the one group of a regular expression finds in text.
func group(ts *testscript.TestScript, expression, text string) string {
	re, err := regexp.Compile("(?m)" + expression)
	ts.Check(err)
	m := re.FindStringSubmatch(text)
	if len(m) != 2 {
		ts.Fatalf("%q is not found, or has not one group, in:\n%s", expression, text)
	}
	return m[1]
}

// shape demands that the last output is JSON of exactly these names, in any order;
// with several values of one name. An array is judged by its first element.
//
//	shape NAME…    names of members; a.b is a member of a member
func shape(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	var got []string
	names(v, "", &got)
	slices.Sort(got)
	want := slices.Clone(args)
	slices.Sort(want)
	if !reflect.DeepEqual(slices.Compact(got), want) {
		ts.Fatalf("members are\n%s\nwant\n%s", strings.Join(got, " "), strings.Join(want, " "))
	}
}

func names(v any, under string, to *[]string) {
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			names(v[0], under, to)
		}
	case map[string]any:
		for name, inner := range v {
			switch inner.(type) {
			case map[string]any, []any:
				names(inner, under+name+".", to)
			default:
				*to = append(*to, under+name)
			}
		}
	}
}

// spoil changes one audit record of a party behind everybody's back.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: spoil DATABASE SQL")
	}
	ctx := context.Background()
	db, err := store.Open(ctx, "sqlite:"+ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	ts.Check(db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, args[1])
		return err
	}))
}
