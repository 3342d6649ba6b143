package sandbox

import _ "embed"

// TermsVersion names the text that an applicant agrees to.
const TermsVersion = "2026-11"

// TermsJA and TermsEN are the text in both languages.
var (
	//go:embed terms.ja.txt
	TermsJA string
	//go:embed terms.en.txt
	TermsEN string
)
