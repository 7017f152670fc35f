# Fits elastic nets with glmnet and writes their coefficients, a tab between cells and 17 significant digits.
#
#     LC_ALL=C Rscript r_glmnet.R TABLE CALL...
#
# TABLE is a CSV of y, w and the features, whose numbers may be hexadecimal, so that none is rounded. Each CALL is of
# X, y and w, and gives a fit.

suppressPackageStartupMessages(library(glmnet))
arguments <- commandArgs(trailingOnly = TRUE)
table <- read.csv(arguments[1])
y <- table$y
w <- table$w
X <- as.matrix(table[-(1:2)])

write_line <- function(...) cat(paste(c(...), collapse = "\t"), "\n", sep = "")
digits <- function(x) sprintf("%.17g", x)

write_line("R", R.version.string)
write_line("glmnet", as.character(packageVersion("glmnet")))
for (call in arguments[-1]) {
  found <- coef(eval(parse(text = call)))
  outputs <- if (is.list(found)) found else list(found)
  for (number in seq_len(ncol(outputs[[1]]))) {
    for (output in outputs) write_line("coefficients", call, number, digits(output[, number]))
  }
}
