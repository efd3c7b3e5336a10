//! Values of shared data as Python's objects, and back.

use crate::failure::Failure;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString};
use rtcore_core::limits::fixed::DEPTH;
use rtcore_data::{Map, Number, Value};

/// A value of Python's, as JSON has it; nested so deep already.
pub(crate) fn value(of: &Bound<'_, PyAny>, depth: u32) -> PyResult<Value> {
    if depth > DEPTH {
        return Err(Failure::Value(format!("nested more than {DEPTH} deep")).into());
    }
    if of.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = of.cast::<PyBool>() {
        return Ok(flag.is_true().into());
    }
    if let Ok(text) = of.cast::<PyString>() {
        return Ok(text.to_str()?.into());
    }
    if of.is_instance_of::<PyInt>() {
        return match (of.extract::<i64>(), of.extract::<u64>()) {
            (Ok(n), _) => Ok(n.into()),
            (_, Ok(n)) => Ok(n.into()),
            _ => Ok(Value::Number(Number::Wide(of.str()?.to_str()?.into()))),
        };
    }
    if let Ok(float) = of.cast::<PyFloat>() {
        let number = Number::float(float.value());
        return number.map(Value::Number).ok_or_else(|| Failure::Value("NaN is no value".into()).into());
    }
    if let Ok(bytes) = of.cast::<PyBytes>() {
        return Ok(Value::Bytes(bytes.as_bytes().into()));
    }
    if let Ok(list) = of.cast::<PyList>() {
        return list
            .iter()
            .map(|each| value(&each, depth + 1))
            .collect::<PyResult<Vec<_>>>()
            .map(Value::List);
    }
    if let Ok(dict) = of.cast::<PyDict>() {
        let mut map = Vec::with_capacity(dict.len());
        for (key, each) in dict.iter() {
            map.push((key.cast::<PyString>()?.to_str()?.to_owned(), value(&each, depth + 1)?));
        }
        return Ok(map.into_iter().collect::<Map>().into());
    }
    Err(PyTypeError::new_err(format!("a value of JSON is wanted, not {}", of.get_type().name()?)))
}

/// The same for Python.
pub(crate) fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Number(Number::Int(n)) => n.into_pyobject(py)?.into_any(),
        Value::Number(Number::Large(n)) => n.into_pyobject(py)?.into_any(),
        Value::Number(Number::Float(f)) => PyFloat::new(py, *f).into_any(),
        Value::Number(Number::Wide(digits)) => py.get_type::<PyInt>().call1((&**digits,))?,
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::List(list) => {
            let made = PyList::empty(py);
            for each in list {
                made.append(object(py, each)?)?;
            }
            made.into_any()
        }
        Value::Map(map) => {
            let made = PyDict::new(py);
            for (key, each) in map.iter() {
                made.set_item(key, object(py, each)?)?;
            }
            made.into_any()
        }
    })
}
