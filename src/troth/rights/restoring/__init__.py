"""After a restore: whoever was erased and stands in a store again is erased again (`guarding`)."""
