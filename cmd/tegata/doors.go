package main

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

// door is one role's place in the neighbourhood.
type door struct {
	role   string
	offset int  // from the base port
	pages  bool // people's browsers come here, by the role's own name
	both   bool // programs come here, and browsers to some pages by the role's own name
	title  ui.Text
}

// doors lists the roles that `up` runs, in the order of /services.json.
func doors() []door {
	return []door{
		{role: "street", offset: 0, pages: true, title: ui.Text{JA: "はじめのページ", EN: "Start page"}},
		{role: "issuer", offset: 1, title: ui.Text{JA: "認証局", EN: "Certification authority"}},
		{role: "verifier", offset: 2, both: true, title: ui.Text{JA: "検証者", EN: "Verifier"}},
		{role: "phone", offset: 3, pages: true, title: ui.Text{JA: "スマートフォン", EN: "Phone"}},
		{role: "portal", offset: 4, pages: true, title: ui.Text{JA: "ポータル", EN: "Portal"}},
		{role: "municipality", offset: 5, pages: true, title: ui.Text{JA: "市区町村", EN: "Municipality"}},
		{role: "bank", offset: 10, pages: true, title: ui.Text{JA: "銀行", EN: "Bank"}},
		{role: "carrier", offset: 11, pages: true, title: ui.Text{JA: "携帯電話会社", EN: "Mobile carrier"}},
		{role: "pay", offset: 12, pages: true, title: ui.Text{JA: "てがたペイ", EN: "Tegata Pay"}},
		{role: "helpdesk", offset: 13, pages: true, title: ui.Text{JA: "ヘルプデスク", EN: "Helpdesk"}},
		{role: "cards", offset: 14, title: ui.Text{JA: "カード置き場", EN: "Card rack"}},
	}
}

func findDoor(role string) door {
	for _, d := range doors() {
		if d.role == role {
			return d
		}
	}
	panic("cmd: no role is called " + role) // roles are constants of this package
}

// machine is a role's endpoint for programs.
func (s settings) machine(role string) string { return "http://" + s.listenAt(role) }

// listenAt is host:port of a role's listener.
func (s settings) listenAt(role string) string {
	host, port, err := s.address()
	if err != nil {
		panic("cmd: settings were not checked: " + err.Error())
	}
	return net.JoinHostPort(host, strconv.Itoa(port+findDoor(role).offset))
}

// page is a role's endpoint for browsers: an origin of its own, since cookies
// ignore ports.
func (s settings) page(role string) string {
	_, port, err := s.address()
	if err != nil {
		panic("cmd: settings were not checked: " + err.Error())
	}
	return fmt.Sprintf("http://%s.localhost:%d", role, port+findDoor(role).offset)
}

// url is page for roles with pages and machine for the others.
func (s settings) url(role string) string {
	if findDoor(role).pages {
		return s.page(role)
	}
	return s.machine(role)
}

// names are the values of Host that a role answers to.
func (s settings) names(role string) []string {
	names := []string{s.listenAt(role)}
	if d := findDoor(role); d.pages || d.both {
		names = append(names, s.page(role)[len("http://"):])
	}
	return names
}

// opening answers for a role until it is built.
type opening struct{ built atomic.Pointer[http.Handler] }

var errBeingMade = problem.New(problem.CouldNotCheck, http.StatusServiceUnavailable, "being-made",
	problem.Text{Title: "まだ準備中です。", Detail: "はじめのページに進みぐあいが出ています。少し待って、もう一度開いてください。"},
	problem.Text{Title: "This party is still being made.", Detail: "The start page shows the progress. Wait a moment and open it again."})

func (o *opening) set(h http.Handler) { o.built.Store(&h) }

func (o *opening) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := o.built.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	httpd.WriteProblem(w, r, errBeingMade)
}

// machinePaths are what a role with pages answers to programs at its address.
var machinePaths = []string{"/v1/", "/services.json", "/residents.json", "/residents/", "/clock", "/clock/advance", "/trace", "/healthz", "/metrics", openapiPath}

// ownName keeps pages to the role's own name. A browser that comes by the address
// is sent there: cookies ignore ports, so one set for the address would reach every
// role on it.
func (s settings) ownName(role string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forProgram := slices.ContainsFunc(machinePaths, func(p string) bool {
			return r.URL.Path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(r.URL.Path, p)
		})
		switch {
		case r.Host != s.listenAt(role) || forProgram:
			h.ServeHTTP(w, r)
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, s.page(role)+r.URL.RequestURI(), http.StatusTemporaryRedirect)
		default:
			httpd.WriteProblem(w, r, errOwnName)
		}
	})
}

var errOwnName = problem.New(problem.Refused, http.StatusMisdirectedRequest, "own-name",
	problem.Text{Title: "この窓口は、番号のアドレスでは利用できません。", Detail: "何も変わっていません。名前のアドレス（…localhost）で開き直してください。"},
	problem.Text{Title: "This service is used by its name, not by its address.", Detail: "Nothing has changed. Open it by its name (….localhost) and try there."})
