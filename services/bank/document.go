package bank

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"tegata/internal/ui"
)

// Occupations are what an applicant may choose (確認事項: 職業).
func Occupations() []string {
	return []string{"employee", "self-employed", "public", "student", "home", "retired", "other"}
}

// Purposes are what an applicant may choose (確認事項: 取引を行う目的).
func Purposes() []string { return []string{"living", "salary", "saving", "remittance", "other"} }

// fits says whether the choices are of those that there are.
func (c Choices) fits() bool {
	return slices.Contains(Occupations(), c.Occupation) && slices.Contains(Purposes(), c.Purpose)
}

var spoken = map[string]string{
	"employee": "会社員・団体職員", "self-employed": "自営業", "public": "公務員", "student": "学生", "home": "家事", "retired": "退職", "other": "その他",
	"living": "生活費の決済", "salary": "給与の受け取り", "saving": "貯蓄", "remittance": "送金",
	"female": "女性", "male": "男性",
}

func word(code string) string {
	if s := spoken[code]; s != "" {
		return s
	}
	return code
}

func yes(b bool, is, not string) string {
	if b {
		return is
	}
	return not
}

// Document is the application as it is put before the person, whole: what they sign is
// what the bank keeps.
func Document(id string, on time.Time, who Attributes, c Choices) []byte {
	var b strings.Builder
	line := func(label, value string) { fmt.Fprintf(&b, "%s：%s\n", label, value) }
	b.WriteString("普通預金口座 開設申込書\n手形銀行 御中\n\n")
	line("申込番号", id)
	line("申込日", ui.Date(ui.JA, on))
	line("氏名", who.Name)
	line("住所", who.Address)
	line("生年月日", ui.Date(ui.JA, who.Born()))
	line("性別", word(who.Gender))
	line("職業", word(c.Occupation))
	line("取引の目的", word(c.Purpose))
	line("外国の重要な公人（外国PEPs）", yes(c.PEP, "該当します", "該当しません"))
	line("税務上の居住地", yes(c.Abroad, "日本以外にもあります", "日本だけです"))
	line("届出印", "なし（印鑑レス）")
	line("キャッシュカード", yes(c.Card, "上の住所へ郵送を希望します", "希望しません"))
	b.WriteString("\n上のとおり口座の開設を申し込みます。口座を他人に譲り渡したり使わせたりしません。\n")
	b.WriteString("Application for an ordinary deposit account. I will not hand the account to anybody else.\n")
	return []byte(b.String())
}

// sha256 is the document's, as results name it.
func (d Draft) sha256() string {
	sum := sha256.Sum256(d.Document)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Lines are the document's, for a page.
func (d Draft) Lines() []string {
	return strings.FieldsFunc(string(d.Document), func(c rune) bool { return c == '\n' })
}
