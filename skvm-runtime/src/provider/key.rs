//! Keys that do not show themselves.

use std::env;
use std::ffi::OsString;
use std::fmt;

use super::ProviderError;

/// Stands for a key wherever it would be shown.
const MASK: &str = "***";

/// A provider's key. Neither `Debug` nor `Display` shows it.
///
/// ```
/// use skvm_runtime::provider::ApiKey;
///
/// let key = ApiKey::new("a-secret");
/// assert_eq!(format!("{key} {key:?}"), "*** ApiKey(***)");
/// ```
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// A key as given, without the white space around it, such as the line end of a key file.
    #[must_use]
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(key.as_ref().trim().to_owned())
    }

    /// The key that an environment variable holds.
    ///
    /// # Errors
    /// [`ProviderError::KeyNotSet`] when the variable is missing or blank, and
    /// [`ProviderError::KeyNotText`] when its value is not Unicode. Both name the variable.
    pub fn from_env(variable: &str) -> Result<Self, ProviderError> {
        Self::from_value(variable, env::var_os(variable))
    }

    fn from_value(variable: &str, value: Option<OsString>) -> Result<Self, ProviderError> {
        let variable = variable.to_owned();
        let Some(value) = value else {
            return Err(ProviderError::KeyNotSet { variable });
        };
        // The value is dropped with the error: what is no Unicode may still be most of a key.
        let Ok(value) = value.into_string() else {
            return Err(ProviderError::KeyNotText { variable });
        };
        let key = Self::new(value);
        if key.0.is_empty() { Err(ProviderError::KeyNotSet { variable }) } else { Ok(key) }
    }

    /// The key itself, for the header that carries it and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text with every occurrence of the key masked.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, MASK) }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiKey").field(&format_args!("{MASK}")).finish()
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_key_is_dropped() {
        assert_eq!(ApiKey::new(" sk-1\n").expose(), "sk-1");
    }

    #[test]
    fn every_occurrence_is_masked_and_an_empty_key_masks_nothing() {
        assert_eq!(ApiKey::new("sk-1").mask("sk-1, not sk-2 but sk-1"), "***, not sk-2 but ***");
        assert_eq!(ApiKey::new("").mask("abc"), "abc");
    }

    #[test]
    fn a_missing_or_blank_variable_is_named() {
        for value in [None, Some(OsString::new()), Some(OsString::from(" \n"))] {
            let error = ApiKey::from_value("SKVM_KEY", value).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the environment variable SKVM_KEY holds no API key",
                "{error:?}"
            );
        }
        assert!(matches!(
            ApiKey::from_env("SKVM_THIS_VARIABLE_IS_NOT_SET"),
            Err(ProviderError::KeyNotSet { variable }) if variable == "SKVM_THIS_VARIABLE_IS_NOT_SET"
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_is_not_unicode_is_refused_and_not_shown() {
        use std::os::unix::ffi::OsStringExt;

        let value = OsString::from_vec(b"sk-secret\xff".to_vec());
        let error = ApiKey::from_value("SKVM_KEY", Some(value)).unwrap_err();
        assert!(
            matches!(&error, ProviderError::KeyNotText { variable: name } if name == "SKVM_KEY")
        );
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
