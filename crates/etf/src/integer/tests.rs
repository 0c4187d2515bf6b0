use super::*;

#[test]
fn digits_and_back() {
    for text in ["0", "1", "18446744073709551615", "18446744073709551616", "1000000000000000000000000000"] {
        let term = Term::from_digits(false, text.chars(), 10).unwrap();
        let written = match &term {
            Term::Integer(value) => value.to_string(),
            Term::BigInteger(number) => number.to_string(),
            other => panic!("{other:?} is no integer"),
        };
        assert_eq!(written, text);
    }
    assert_eq!(Term::from_digits(true, "9223372036854775808".chars(), 10), Some(Term::Integer(i64::MIN)));
    assert_eq!(Term::from_digits(false, "zz".chars(), 36), Some(Term::Integer(35 * 37)));
    assert_eq!(Term::from_digits(false, "".chars(), 10), None);
    assert_eq!(Term::from_digits(false, "12".chars(), 2), None);
}

#[test]
fn size_is_limited() {
    let digits = |count: usize| std::iter::repeat_n('f', count);
    assert!(Term::from_digits(false, digits(BigInteger::MAXIMUM_BYTES * 2), 16).is_some());
    assert_eq!(Term::from_digits(false, digits(BigInteger::MAXIMUM_BYTES * 2 + 32), 16), None);
}

#[test]
fn negation_crosses_the_border_of_64_bits() {
    let positive = Term::from_digits(false, "9223372036854775808".chars(), 10).unwrap();
    assert_eq!(Term::Integer(i64::MIN).negated(), positive);
    assert_eq!(positive.negated(), Term::Integer(i64::MIN));
}

#[test]
fn whole_floats_are_integers() {
    assert_eq!(Term::from_whole_float(0.0), Term::Integer(0));
    assert_eq!(Term::from_whole_float(-3.0), Term::Integer(-3));
    assert_eq!(Term::from_whole_float(2_f64.powi(62)), Term::Integer(1 << 62));
    let digits = format!("{:.0}", 1.5e300);
    assert_eq!(Term::from_whole_float(1.5e300), Term::from_digits(false, digits.chars(), 10).unwrap());
}
