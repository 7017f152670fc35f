# Fits a regression with R and writes robust covariances of its coefficients by sandwich, a tab between cells.
#
#     LC_ALL=C Rscript r_sandwich.R METHOD TABLE FORMULA WEIGHTS CALL...
#
# METHOD is lm or glm (binomial); TABLE is a CSV, whose numbers may be hexadecimal, so that none is rounded; WEIGHTS a column or "". Each CALL is of
# `fit`, such as "sandwich::vcovHC(fit, type = 'HC3')", and gives a matrix.

arguments <- commandArgs(trailingOnly = TRUE)
table <- read.csv(arguments[2], check.names = FALSE, na.strings = "")
formula <- as.formula(arguments[3])
table$row_weights <- if (arguments[4] == "") 1 else table[[arguments[4]]]

# The covariance is of the weights before the last step, so it starts once more where it stopped.
if (arguments[1] == "lm") {
  fit <- lm(formula, table, weights = row_weights)
  if (arguments[4] == "") fit <- lm(formula, table)
} else {
  exactly <- glm.control(epsilon = 1e-14, maxit = 100)
  fit <- glm(formula, binomial, table, weights = row_weights, control = exactly)
  fit <- update(fit, start = coef(fit))
}

write_line <- function(...) cat(paste(c(...), collapse = "\t"), "\n", sep = "")
digits <- function(x) sprintf("%.17g", x)

write_line("R", R.version.string)
write_line("sandwich", as.character(packageVersion("sandwich")))
write_line("terms", names(coef(fit)))
write_line("estimate", digits(coef(fit)))
last <- if (arguments[1] == "lm") summary(fit)$adj.r.squared else fit$null.deviance
write_line("fit", digits(c(logLik(fit), AIC(fit), BIC(fit), last)))
for (call in arguments[-(1:4)]) write_line("errors", call, digits(sqrt(diag(eval(parse(text = call))))))
