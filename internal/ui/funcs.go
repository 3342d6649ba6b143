package ui

import (
	"fmt"
	"html/template"
	"strings"
	"time"
)

// funcs is what templates may call, with the language already chosen.
func (s *Site) funcs(l Lang) template.FuncMap {
	say := func(key string, args ...any) string { return s.words.Say(l, key, args...) }
	return template.FuncMap{
		// t is a string of the catalogue; its key is written out, so that
		// the test for missing and unused strings can read it.
		"t": say,
		// tg is a string chosen among a group by a value: tg "state" .State
		// is the key "state.good". The test counts the whole group as used.
		"tg": func(group string, value any, args ...any) string {
			return say(group+"."+fmt.Sprint(value), args...)
		},
		// tp is a string of several paragraphs.
		"tp":       func(key string, args ...any) []string { return paragraphs(say(key, args...)) },
		"in":       func(t Text) string { return t.In(l) },
		"lang":     func() Lang { return l },
		"date":     func(t time.Time) string { return Date(l, t) },
		"yen":      func(n int64) string { return Yen(l, n) },
		"datetime": func(t time.Time) string { return DateTime(l, t) },
		"clock":    Clock,
		"machine":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"number":   Number,
		"qr":       QR,
		"asset":    s.assets.URL,
		"mark":     Mark,
		"picture":  Picture,
		"icon":     Icon,
		"join":     strings.Join,
		"pin": func(name, label string) Secret {
			return Secret{Name: name, Label: label, Kind: "pin", Tries: -1, Hint: say("ui.pin.hint")}
		},
		"password": func(name, label string) Secret {
			return Secret{Name: name, Label: label, Kind: "password", Tries: -1, Hint: say("ui.password.hint")}
		},
		"field": func(name, label, hint string) Field {
			return Field{Name: name, Label: label, Hint: hint, Type: "text"}
		},
		// mail is the field of a mail address: not of the type email, whose browsers turn
		// what they do not like into something else before it is checked here.
		"mail": func(name, label, hint string) Field {
			return Field{Name: name, Label: label, Hint: hint, Type: "text", Mode: "email"}
		},
		"steps":  func(at, of int, name string) Steps { return Steps{At: at, Of: of, Name: name} },
		"action": func(label, url string) Action { return Action{Label: label, URL: url} },
		"press":  func(label, url string) Action { return Action{Label: label, URL: url, Post: true} },
		"add":    func(a, b int) int { return a + b },
		"digits": func() []int { return []int{1, 2, 3, 4, 5, 6, 7, 8, 9} },
		"tab": func(f *Frame, name, icon, path string) tab {
			return tab{Name: name, Icon: icon, URL: f.Base + path, Here: f.Nav == name}
		},
		"other": func() Lang {
			if l == EN {
				return JA
			}
			return EN
		},
		// tgl is tg in a language that is named: what went wrong is said in
		// both.
		"tgl": func(l Lang, group string, value any) string {
			return s.words.Say(l, group+"."+fmt.Sprint(value))
		},
	}
}

// tab is one of the phone's four tabs.
type tab struct {
	Name, Icon, URL string
	Here            bool
}
