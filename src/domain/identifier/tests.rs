//! The identifiers against published numbers, and their laws.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn published_corporate_numbers_are_valid() {
    for number in [
        "7000012050002", // 国税庁
        "7010705000725",
        "4011001098993",
        "7123456789012",
        "8000020130001", // 東京都
        "6000020122173", // 柏市
        "9000000000000",
    ] {
        assert_eq!(CorporateNumber::parse(number).unwrap().as_str(), number);
        let base: String = number.chars().skip(1).collect();
        assert_eq!(CorporateNumber::from_base(&base).unwrap().as_str(), number);
    }
}

#[test]
fn a_wrong_corporate_number_is_wrong_in_form_or_in_its_check_digit() {
    use IdentifierError::{CorporateNumberCheckDigit as CheckDigit, CorporateNumberFormat as Format};
    for (number, error) in [
        ("1234567890123", CheckDigit),
        ("7000012050003", CheckDigit),
        ("7000021050002", CheckDigit),
        ("0000012050002", Format),
        ("700001205000", Format),
        ("70000120500021", Format),
        ("7-0000-1205-0002", Format),
        ("７００００１２０５０００２", Format),
        ("700001205000a", Format),
        (" 7000012050002", Format),
        ("7000012050002\n", Format),
        ("", Format),
    ] {
        assert_eq!(CorporateNumber::parse(number), Err(error), "{number:?}");
    }
    for base in ["", "00001205000", "7000012050002", "00001205000２"] {
        assert_eq!(CorporateNumber::from_base(base), Err(Format), "{base:?}");
    }
}

#[test]
fn an_invoice_registration_number_is_a_corporate_number_behind_a_t() {
    use IdentifierError::{
        InvoiceRegistrationNumberCheckDigit as CheckDigit, InvoiceRegistrationNumberFormat as Format,
    };
    let number = CorporateNumber::parse("7000012050002").unwrap();
    assert_eq!(
        InvoiceRegistrationNumber::parse("T7000012050002"),
        Ok(InvoiceRegistrationNumber::from(&number))
    );
    for (number, error) in [
        ("T7000012050003", CheckDigit),
        ("7000012050002", Format),
        ("t7000012050002", Format),
        ("Ｔ7000012050002", Format),
        ("T-7000012050002", Format),
        ("TT7000012050002", Format),
        ("T", Format),
        ("", Format),
    ] {
        assert_eq!(InvoiceRegistrationNumber::parse(number), Err(error), "{number:?}");
    }
}

#[test]
fn published_local_government_codes_are_valid() {
    for code in [
        "010006", "011002", "130001", "140007", "271004", "470007", "212181", // 本巣市, remainder 0
        "122173", // 柏市
        "406252", // みやこ町
        "462012", // 鹿児島市
    ] {
        assert_eq!(LocalGovernmentCode::parse(code).unwrap().as_str(), code);
        let base: String = code.chars().take(5).collect();
        assert_eq!(LocalGovernmentCode::from_base(&base).unwrap().as_str(), code);
    }
}

#[test]
fn a_wrong_local_government_code_is_wrong_in_form_or_in_its_check_digit() {
    use IdentifierError::{LocalGovernmentCodeCheckDigit as CheckDigit, LocalGovernmentCodeFormat as Format};
    for (code, error) in [
        ("212180", CheckDigit),
        ("122137", CheckDigit),
        ("12217", Format),
        ("1221733", Format),
        ("１２２１７３", Format),
        ("12217x", Format),
        ("", Format),
    ] {
        assert_eq!(LocalGovernmentCode::parse(code), Err(error), "{code:?}");
    }
    assert_eq!(LocalGovernmentCode::from_base("122173"), Err(Format));
}

#[test]
fn addresses_that_receive_mail_are_taken_as_they_are() {
    for address in [
        "tanto@city.example.lg.jp",
        "Tanto.Taro@City.Example.LG.jp",
        "docomo.user..x.@docomo.ne.jp",
        ".dot@ezweb.ne.jp",
        "a+b/c=d_e-f'g!#$%&*?^`{|}~@example.co.jp",
        "x@1.example.jp",
        "x@xn--eckwd4c7cu47r2wf.jp",
        "x@example.xn--q9jyb4c",
        &format!("{}@example.jp", "a".repeat(64)),
    ] {
        assert_eq!(EmailAddress::parse(address).unwrap().as_str(), address);
    }
}

#[test]
fn addresses_that_cannot_or_must_not_be_mailed_are_refused() {
    let label = "a".repeat(63);
    let overlong = "a".repeat(64);
    for address in [
        "",
        "@",
        "a",
        "a@",
        "@example.jp",
        "a@localhost",
        "a@example.",
        "a@.example.jp",
        "a@example..jp",
        "a@-example.jp",
        "a@example-.jp",
        "a@exa_mple.jp",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@[IPv6:::1]",
        "a@b@example.jp",
        "a b@example.jp",
        " a@example.jp",
        "a@example.jp ",
        "a@example.jp\r\nBcc: b@example.jp",
        "a\0@example.jp",
        "a\u{7f}@example.jp",
        "山田@example.jp",
        "ａ@example.jp",
        "a＠example.jp",
        "a@例え.jp",
        "\"a b\"@example.jp",
        "a,b@example.jp",
        "<a@example.jp>",
        &format!("a@{overlong}.jp"),
    ] {
        assert_eq!(
            EmailAddress::parse(address),
            Err(IdentifierError::EmailAddressFormat),
            "{address:?}"
        );
    }
    for (length, good) in [(254, true), (255, false)] {
        let domain = format!("{label}.{label}.{label}.");
        let address = format!("aa@{domain}{}", "z".repeat(length - 3 - domain.len()));
        assert_eq!(EmailAddress::parse(&address).is_ok(), good, "{length}");
    }
    for address in [
        format!("{}@example.jp", "a".repeat(65)),
        format!("a@{label}.{label}.{label}.{label}.jp"),
    ] {
        assert_eq!(EmailAddress::parse(&address), Err(IdentifierError::EmailAddressTooLong));
    }
}

#[test]
fn a_display_name_is_one_clean_line() {
    assert_eq!(DisplayName::parse(" 山田　太郎 ").unwrap().to_string(), "山田　太郎");
    assert_eq!(
        DisplayName::parse("\u{3000}"),
        Err(IdentifierError::DisplayNameRequired)
    );
    for name in [
        "山田\r\nBcc: x@example.jp",
        "山田\n太郎",
        "山田\0太郎",
        "山田\t太郎",
        "山田\u{202e}太郎",
    ] {
        assert_eq!(
            DisplayName::parse(name),
            Err(IdentifierError::DisplayNameControlCharacter),
            "{name:?}"
        );
    }
    assert!(DisplayName::parse(&"名".repeat(100)).is_ok());
    assert_eq!(
        DisplayName::parse(&"名".repeat(101)),
        Err(IdentifierError::DisplayNameTooLong)
    );
}

#[test]
fn every_error_has_a_code_of_its_own_and_two_messages() {
    let codes: BTreeSet<_> = IdentifierError::ALL.iter().map(|error| error.code()).collect();
    assert_eq!(codes.len(), IdentifierError::ALL.len());
    for error in IdentifierError::ALL {
        assert!(error.message_ja().ends_with('。') && error.to_string().ends_with('.'));
    }
}

/// A number with one digit put up by `by`, unless that trades a 0 for a 9.
fn slip(number: &str, at: usize, by: u32) -> Option<String> {
    let digit = number.chars().nth(at)?.to_digit(10)?;
    let wrong = (digit + by) % 10;
    let put = |(place, c): (usize, char)| {
        if place == at {
            char::from_digit(wrong, 10)
        } else {
            Some(c)
        }
    };
    (digit.min(wrong) != 0 || digit.max(wrong) != 9)
        .then(|| number.chars().enumerate().map(put).collect())
        .flatten()
}

proptest! {
    #[test]
    fn a_slip_in_one_digit_of_a_corporate_number_is_found(base in "[0-9]{12}", at in 0_usize..13, by in 1_u32..10) {
        let number = CorporateNumber::from_base(&base).unwrap();
        prop_assert_eq!(CorporateNumber::parse(number.as_str()), Ok(number.clone()));
        let invoice = InvoiceRegistrationNumber::from(&number);
        prop_assert_eq!(InvoiceRegistrationNumber::parse(invoice.as_str()), Ok(invoice));
        if let Some(wrong) = slip(number.as_str(), at, by) {
            prop_assert!(CorporateNumber::parse(&wrong).is_err());
        }
    }

    #[test]
    fn a_code_has_one_check_digit(base in "[0-9]{5}") {
        let code = LocalGovernmentCode::from_base(&base).unwrap();
        let valid = (0..10).filter(|check| LocalGovernmentCode::parse(&format!("{base}{check}")).is_ok()).count();
        prop_assert_eq!(valid, 1);
        prop_assert!(LocalGovernmentCode::parse(code.as_str()).is_ok());
    }

    #[test]
    fn whatever_is_taken_is_safe_in_a_header(input in any::<String>(), address in "[a-z.@\\[\\] \r\n<>-]{0,20}") {
        for text in [&input, &address] {
            if let Ok(address) = EmailAddress::parse(text) {
                prop_assert!(address.as_str().chars().all(|c| c.is_ascii_graphic()) && address.as_str().contains('@'));
                prop_assert!(!address.as_str().contains(['<', '>', '"', ',', ';', ':', '\\', '(', ')', '[', ']']));
            }
            if let Ok(name) = DisplayName::parse(text) {
                prop_assert!(!name.as_str().chars().any(char::is_control) && name.as_str().chars().count() <= 100);
            }
            prop_assert!(CorporateNumber::parse(text).is_err() && LocalGovernmentCode::parse(text).is_err());
        }
    }
}
