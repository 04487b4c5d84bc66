"""What operators ask about endpoints; read only."""
