//! Identifiers with a form that can be checked: 法人番号, 登録番号, 全国地方公共団体コード, mail addresses, display names.
//!
//! A value of these types has passed its check; what it names may still not exist. Input is taken as it is, not
//! repaired: a full-width digit or a hyphen is an error that the message explains. Free text is [`super::text`]'s.

use std::fmt;

use serde::Serialize;

use super::text::{self, TextError};

/// The most characters of a [`DisplayName`].
const MAX_DISPLAY_NAME: usize = 100;
/// The most bytes of a mail address that a path of SMTP takes (RFC 5321, 4.5.3.1.3, without the brackets).
const MAX_EMAIL_ADDRESS: usize = 254;

/// Declares the errors: variant, code, Japanese and English message.
macro_rules! identifier_errors {
    ($($(#[$meta:meta])* $variant:ident = $code:literal, $ja:literal, $en:literal;)+) => {
        /// Why an identifier is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum IdentifierError {
            $($(#[$meta])* $variant,)+
        }

        impl IdentifierError {
            /// Every error, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code of the API.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Japanese message.
            pub fn message_ja(self) -> &'static str {
                match self { $(Self::$variant => $ja),+ }
            }

            /// English message.
            pub fn message_en(self) -> &'static str {
                match self { $(Self::$variant => $en),+ }
            }
        }
    };
}

identifier_errors! {
    /// Not thirteen digits, or the first is 0.
    CorporateNumberFormat = "invalid_corporate_number_format",
        "法人番号は半角数字13桁（先頭は1から9）で入力してください。",
        "A corporate number has 13 digits, the first from 1 to 9.";
    /// Thirteen digits with a slip among them.
    CorporateNumberCheckDigit = "invalid_corporate_number_check_digit",
        "法人番号の検査用数字（先頭の1桁）が合いません。番号を確認してください。",
        "The check digit of the corporate number (the first digit) does not match the others.";
    /// Not `T` and thirteen digits.
    InvoiceRegistrationNumberFormat = "invalid_invoice_registration_number_format",
        "登録番号は半角の「T」と数字13桁で入力してください。",
        "An invoice registration number is \"T\" and 13 digits.";
    /// The digits are no corporate number.
    InvoiceRegistrationNumberCheckDigit = "invalid_invoice_registration_number_check_digit",
        "登録番号の検査用数字（「T」の次の1桁）が合いません。番号を確認してください。",
        "The check digit of the invoice registration number (after the \"T\") does not match the others.";
    /// Not six digits.
    LocalGovernmentCodeFormat = "invalid_local_government_code_format",
        "全国地方公共団体コードは半角数字6桁で入力してください。",
        "A local government code has 6 digits.";
    /// Six digits with a slip among them.
    LocalGovernmentCodeCheckDigit = "invalid_local_government_code_check_digit",
        "全国地方公共団体コードの検査数字（末尾の1桁）が合いません。コードを確認してください。",
        "The check digit of the local government code (the last digit) does not match the others.";
    /// Not an address that mail can be sent to.
    EmailAddressFormat = "invalid_email_address",
        "メールアドレスは半角英数字で「名前@ドメイン」の形で入力してください。",
        "Enter a mail address as name@domain in ASCII letters; a domain outside ASCII in its xn-- form.";
    /// Longer than mail servers take.
    EmailAddressTooLong = "email_address_too_long",
        "メールアドレスは254文字以内（「@」の前は64文字以内）で入力してください。",
        "A mail address has at most 254 characters, at most 64 of them before the @.";
    /// Nothing is left after trimming.
    DisplayNameRequired = "display_name_required",
        "名前を入力してください。",
        "Enter a name.";
    /// More than a hundred characters.
    DisplayNameTooLong = "display_name_too_long",
        "名前は100文字以内で入力してください。",
        "A name has at most 100 characters.";
    /// A line break or another control character, which could forge the header of a mail.
    DisplayNameControlCharacter = "display_name_control_character",
        "名前に改行などの制御文字や、見えない文字は使えません。",
        "A name has no line breaks, control characters or invisible marks.";
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message_en())
    }
}

impl std::error::Error for IdentifierError {}

/// Declares a checked text.
macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// 法人番号: a check digit and twelve digits (平成26年財務省令第70号 第2条). It does not tell 0 from 9.
    CorporateNumber
}

impl CorporateNumber {
    /// Checks thirteen digits.
    ///
    /// # Errors
    /// Distinct ones for the form and for the check digit.
    pub fn parse(input: &str) -> Result<Self, IdentifierError> {
        let all = digits::<13>(input).ok_or(IdentifierError::CorporateNumberFormat)?;
        let [check, base @ ..] = all;
        match check {
            0 => Err(IdentifierError::CorporateNumberFormat),
            _ if check == corporate_check_digit(base) => Ok(Self(input.to_owned())),
            _ => Err(IdentifierError::CorporateNumberCheckDigit),
        }
    }

    /// Puts the check digit before twelve digits.
    ///
    /// # Errors
    /// `invalid_corporate_number_format` for anything but twelve digits.
    pub fn from_base(base: &str) -> Result<Self, IdentifierError> {
        let check = corporate_check_digit(digits(base).ok_or(IdentifierError::CorporateNumberFormat)?);
        Ok(Self(format!("{check}{base}")))
    }
}

/// 9 − (Σ `P_n`·`Q_n` mod 9), with `P_n` the n-th digit from the right and `Q_n` 1 for odd n, 2 for even n.
fn corporate_check_digit(base: [u32; 12]) -> u32 {
    let weights = [1, 2].into_iter().cycle();
    let sum: u32 = base
        .into_iter()
        .rev()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum();
    9 - sum % 9
}

identifier! {
    /// 適格請求書発行事業者の登録番号 of a corporation: `T` and its 法人番号.
    InvoiceRegistrationNumber
}

impl InvoiceRegistrationNumber {
    /// Checks `T` and thirteen digits.
    ///
    /// # Errors
    /// Distinct ones for the form and for the check digit.
    pub fn parse(input: &str) -> Result<Self, IdentifierError> {
        let number = input
            .strip_prefix('T')
            .ok_or(IdentifierError::InvoiceRegistrationNumberFormat)?;
        match CorporateNumber::parse(number) {
            Ok(_) => Ok(Self(input.to_owned())),
            Err(IdentifierError::CorporateNumberCheckDigit) => {
                Err(IdentifierError::InvoiceRegistrationNumberCheckDigit)
            }
            Err(_) => Err(IdentifierError::InvoiceRegistrationNumberFormat),
        }
    }
}

impl From<&CorporateNumber> for InvoiceRegistrationNumber {
    fn from(number: &CorporateNumber) -> Self {
        Self(format!("T{number}"))
    }
}

identifier! {
    /// 全国地方公共団体コード: five digits of JIS X 0402 and a check digit. 一部事務組合 have one too.
    LocalGovernmentCode
}

impl LocalGovernmentCode {
    /// Checks six digits.
    ///
    /// # Errors
    /// Distinct ones for the form and for the check digit.
    pub fn parse(input: &str) -> Result<Self, IdentifierError> {
        let all = digits::<6>(input).ok_or(IdentifierError::LocalGovernmentCodeFormat)?;
        let [base @ .., check] = all;
        if check == local_government_check_digit(base) {
            Ok(Self(input.to_owned()))
        } else {
            Err(IdentifierError::LocalGovernmentCodeCheckDigit)
        }
    }

    /// Puts the check digit behind five digits.
    ///
    /// # Errors
    /// `invalid_local_government_code_format` for anything but five digits.
    pub fn from_base(base: &str) -> Result<Self, IdentifierError> {
        let check = local_government_check_digit(digits(base).ok_or(IdentifierError::LocalGovernmentCodeFormat)?);
        Ok(Self(format!("{base}{check}")))
    }
}

/// The last digit of 11 − (Σ mod 11), with the weights 6 to 2 from left to right.
fn local_government_check_digit(base: [u32; 5]) -> u32 {
    let weights = [6, 5, 4, 3, 2];
    let sum: u32 = base
        .into_iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum();
    (11 - sum % 11) % 10
}

/// Exactly `N` ASCII digits.
fn digits<const N: usize>(text: &str) -> Option<[u32; N]> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
    digits?.try_into().ok()
}

identifier! {
    /// A mail address in ASCII. Dots may stand anywhere before the `@`, as Japanese carriers once let them; the domain
    /// has at least two labels and is no IP address.
    EmailAddress
}

impl EmailAddress {
    /// Checks an address.
    ///
    /// # Errors
    /// Distinct ones for the form and for the length.
    pub fn parse(input: &str) -> Result<Self, IdentifierError> {
        let (local, domain) = input.split_once('@').ok_or(IdentifierError::EmailAddressFormat)?;
        if local.is_empty() || !local.chars().all(is_local) || !is_domain(domain) {
            Err(IdentifierError::EmailAddressFormat)
        } else if input.len() > MAX_EMAIL_ADDRESS || local.len() > 64 {
            Err(IdentifierError::EmailAddressTooLong)
        } else {
            Ok(Self(input.to_owned()))
        }
    }
}

/// `atext` of RFC 5322 and the dot.
fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // The last label of a name is never a number; that of an IPv4 address always is.
    let is_top = |label: &str| !label.chars().all(|c| c.is_ascii_digit());
    domain.split('.').all(is_label) && domain.rsplit_once('.').is_some_and(|(_, top)| is_top(top))
}

identifier! {
    /// The name of a person or an office as shown and as written into the header of a mail: one line, trimmed, NFC.
    DisplayName
}

impl DisplayName {
    /// Checks a name of 1 to 100 characters.
    ///
    /// # Errors
    /// Empty, too long, or with control characters.
    pub fn parse(input: &str) -> Result<Self, IdentifierError> {
        text::single_line(input, MAX_DISPLAY_NAME)
            .map(Self)
            .map_err(|error| match error {
                TextError::Required => IdentifierError::DisplayNameRequired,
                TextError::TooLong { .. } => IdentifierError::DisplayNameTooLong,
                TextError::ControlCharacter => IdentifierError::DisplayNameControlCharacter,
            })
    }
}

#[cfg(test)]
mod tests;
